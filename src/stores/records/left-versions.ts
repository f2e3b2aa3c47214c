import type { LeftDocument } from '../../model/marker.js'
import { parseDocumentName } from './document-name.js'
import type { Each } from './documents.js'
import { isAt, leftByFile } from './left-documents.js'
import { digestFile, digestOf, readPlaces } from './left-seen.js'

/** What a document that says no version may be at, if it was left behind. */
export interface LeftVersion {
  readonly versions: readonly number[]
  /** Its bytes aren't those that were left: whoever wrote them may have meant the store's version. */
  readonly isRewritten: boolean
}

/** By the documents' names as they are now; a file's own entry is for all in it that have none. */
export type LeftVersions = ReadonlyMap<string, LeftVersion>

/** What documents have that say no version: their store's, save those that were left behind. */
export interface StoreVersion {
  readonly version: number
  readonly each: Each
  readonly left: LeftVersions
}

export interface LeftRequest {
  readonly left: readonly LeftDocument[]
  readonly each: Each
  /** Whether entries without `seen` were made by this very run: their documents are as they were left. */
  readonly isOurs: boolean
  /** The store's plain files. */
  readonly files: ReadonlySet<string>
  readonly read: (file: string) => Iterable<Buffer>
  readonly signal?: AbortSignal | undefined
}

/** All versions that a document may have, in order. More than one: nobody has said which. */
export function possibleVersions({ version, each, left }: StoreVersion, name: string): readonly number[] {
  const found = left.get(name) ?? left.get(parseDocumentName(name, each).file)
  if (found === undefined) return [version]
  return found.isRewritten ? merge(found.versions, [version]) : found.versions
}

/**
 * Finds what was left in the files as they are now. A document with the bytes that were left is still that one: in a
 * file that was touched, copied or lost a name, at another line or place. One that only has the name was written anew.
 */
export async function findLeftVersions(request: LeftRequest): Promise<LeftVersions> {
  const found = new Map<string, LeftVersion>()
  for (const [file, documents] of leftByFile(request.left, request.each)) {
    const singles = documents.filter((document) => document.file !== file)
    for (const whole of documents.filter((document) => document.file === file))
      found.set(file, { versions: versionsOf(whole), isRewritten: !(await isAsLeft(request, whole)) })
    const byDigest = new Map<string, readonly number[]>()
    for (const single of singles) {
      const digest = digestOf(single)
      if (digest !== null) byDigest.set(digest, merge(byDigest.get(digest) ?? [], versionsOf(single)))
    }
    const present = await findDigests(request, file, byDigest)
    for (const [name, digest] of present) found.set(name, { versions: byDigest.get(digest) ?? [], isRewritten: false })
    const accounted = new Set(present.values())
    for (const single of singles) {
      if (found.has(single.file) || accounted.has(digestOf(single) ?? '')) continue
      const versions = merge(versionsOf(single), found.get(file)?.versions ?? [])
      found.set(single.file, { versions, isRewritten: !isOurs(request, single) })
    }
  }
  return found
}

/** The versions without what was at a path, which has been written anew at the store's own, or removed. */
export function dropVersions(left: LeftVersions, path: string): LeftVersions {
  return new Map([...left].filter(([name]) => !isAt(name, path)))
}

function versionsOf({ at, or }: LeftDocument): readonly number[] {
  return merge(at === undefined ? [] : [at], or ?? [])
}

function merge(a: readonly number[], b: readonly number[]): readonly number[] {
  return [...new Set([...a, ...b])].sort((x, y) => x - y)
}

function isOurs(request: LeftRequest, { seen }: LeftDocument): boolean {
  return request.isOurs && seen === undefined
}

async function isAsLeft(request: LeftRequest, whole: LeftDocument): Promise<boolean> {
  if (isOurs(request, whole)) return true
  const digest = digestOf(whole)
  if (digest === null || !request.files.has(whole.file)) return false
  return (await digestFile(request.read(whole.file), request.signal)) === digest
}

/** The documents of a file whose digests are among those, with them. */
async function findDigests(
  { files, read, each, signal }: LeftRequest,
  file: string,
  wanted: ReadonlyMap<string, unknown>,
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  if (wanted.size === 0 || !files.has(file)) return found
  for await (const { name, digest } of readPlaces(file, read(file), each, signal)) {
    if (wanted.has(digest())) found.set(name, digest())
  }
  return found
}
