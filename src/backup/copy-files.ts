import { join } from 'node:path'
import { isAbsent, identityOf, lstatIfAny } from '../disk/identity.js'
import { ancestorsOf, joinPath } from '../disk/relative-path.js'
import { walkClaim } from '../disk/walk.js'
import type { BackedUpFile, BackedUpStore } from '../model/manifest.js'
import type { Place } from '../model/store.js'
import { removeFile, storeFile } from './store-file.js'
import type { Shelf } from './store-file.js'

/** The files of a store at the moment of a backup. */
export interface ListedFiles {
  readonly place: Place
  readonly files: readonly ListedFile[]
  readonly skipped: readonly string[]
}

interface ListedFile {
  /** Relative to the root. */
  readonly path: string
  readonly size: number
  readonly mode: number
  readonly mtimeNs: string
  readonly identity: string
}

/** Everything of a store that a backup has: its files, its marker. Opens none of them. */
export async function listFiles(place: Place, signal: AbortSignal): Promise<ListedFiles> {
  const { claim, root } = place
  const entries = await walkClaim(root, claim, signal)
  const files = entries
    .filter(({ kind }) => kind === 'file')
    .map(({ path, size, mode, mtimeNs, identity }) => ({
      path: joinPath(claim.base, path),
      size,
      mode,
      mtimeNs: String(mtimeNs),
      identity,
    }))
  const marker = joinPath(claim.base, claim.marker)
  const stats = claim.marker === '' ? null : lstatIfAny(join(root, marker))
  if (stats?.isFile()) files.push(factsOf(marker, stats))
  const skipped = entries.filter(({ kind }) => kind !== 'file').map(({ path }) => joinPath(claim.base, path))
  return { place, files, skipped }
}

/**
 * Copies what was listed. A file that has changed or gone since is copied as it is now, or left out, and named in
 * `moved`: the backup is then of no one moment.
 */
export async function copyFiles(
  shelf: Shelf,
  { place, files, skipped }: ListedFiles,
  moved: string[],
  onCopied: (bytes: number) => void,
): Promise<Pick<BackedUpStore, 'files' | 'directories' | 'skipped'>> {
  const copied: BackedUpFile[] = []
  const directories = new Map<string, number>()
  for (const listed of files) {
    const file = await copyListed(shelf, place, listed, moved)
    if (file === null) continue
    copied.push(file)
    onCopied(file.bytes)
    for (const path of ancestorsOf(listed.path)) {
      if (directories.has(path)) break
      const stats = lstatIfAny(join(place.root, path))
      if (stats !== null) directories.set(path, Number(stats.mode) & 0o7777)
    }
  }
  return {
    files: copied,
    directories: [...directories].filter(([, mode]) => (mode & 0o077) === 0).map(([path, mode]) => ({ path, mode })),
    skipped,
  }
}

const rounds = 3

async function copyListed(
  shelf: Shelf,
  place: Place,
  listed: ListedFile,
  moved: string[],
): Promise<BackedUpFile | null> {
  const from = join(place.root, listed.path)
  let facts = listed
  for (let round = 1; ; round++) {
    try {
      const file = await storeFile(shelf, place.spec.name, facts, from)
      const now = lstatIfAny(from)
      if (now !== null && identityOf(now) === facts.identity) return file
      if (facts === listed) moved.push(listed.path)
      if (now === null || round === rounds) return file
      facts = factsOf(listed.path, now)
      removeFile(shelf, place.spec.name, file)
    } catch (error) {
      if (!isAbsent(error)) throw error
      if (facts === listed) moved.push(listed.path)
      return null
    }
  }
}

function factsOf(path: string, stats: NonNullable<ReturnType<typeof lstatIfAny>>): ListedFile {
  const mode = Number(stats.mode) & 0o7777
  return { path, size: Number(stats.size), mode, mtimeNs: String(stats.mtimeNs), identity: identityOf(stats) }
}
