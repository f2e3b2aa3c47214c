import { join } from 'node:path'
import { breathe } from '../../disk/breathe.js'
import { disk } from '../../disk/disk.js'
import { openPlainFile, readChunks } from '../../disk/read-file.js'
import { joinPath } from '../../disk/relative-path.js'
import { walkClaim } from '../../disk/walk.js'
import { isMoultError, systemCode } from '../../model/errors.js'
import { entriesOf } from '../../model/marker.js'
import type { LeftDocument } from '../../model/marker.js'
import type { Problem } from '../../model/report.js'
import type { Place } from '../../model/store.js'
import { readMarkerFile } from '../files/read-marker.js'
import { verifyFiles } from '../files/verify-files.js'
import { basePlace } from './base-place.js'
import { openDocument } from './document-version.js'
import { readDocuments } from './documents.js'
import type { RawDocument } from './documents.js'
import { findLeftVersions, possibleVersions } from './left-versions.js'
import type { LeftVersions, StoreVersion } from './left-versions.js'
import { checkDocument, headOf } from './record-chain.js'
import { RecordProblem } from './record-problem.js'
import type { RecordsOwn } from './own.js'

/**
 * Files and marker first, then every document: its text, its version, its schema, and whether the marker's list of what
 * was left behind is true.
 */
export async function verifyRecords(given: Place): Promise<readonly Problem[]> {
  const place = basePlace(given)
  const problems = await verifyFiles(place)
  const found = readMarkerFile(place)
  if (found !== null && found.is === 'unreadable') return problems
  const { chain, each } = place.spec.own as RecordsOwn
  const applied = found === null ? null : entriesOf(found.marker, '').length
  const marked = applied === null ? null : Math.min(applied, headOf(chain))
  // Nobody can say what documents are that say no version themselves and have no marker.
  if (chain.versionKey === false && marked === null) return problems
  const left = found?.marker.left ?? []
  const version = marked ?? chain.oldest
  return [
    ...problems,
    ...(await verifyDocuments(
      place,
      { version, each, left: chain.versionKey === false ? await versionsOf(place, left) : new Map() },
      new Set(left.map(({ file }) => file)),
      applied !== null && applied > headOf(chain),
    )),
  ]
}

async function versionsOf(place: Place, left: readonly LeftDocument[]): Promise<LeftVersions> {
  if (left.length === 0) return new Map()
  const { each } = place.spec.own as RecordsOwn
  const entries = await walkClaim(place.root, place.claim)
  const files = new Set(entries.flatMap(({ path, kind }) => (kind === 'file' ? [path] : [])))
  const read = (file: string): Iterable<Buffer> => chunksIfAny(join(place.root, place.claim.base, file))
  return await findLeftVersions({ left, each, isOurs: false, files, read })
}

async function verifyDocuments(
  place: Place,
  stands: StoreVersion,
  left: ReadonlySet<string>,
  isNewer: boolean,
): Promise<Problem[]> {
  const { each } = place.spec.own as RecordsOwn
  const problems: Problem[] = []
  const newer: string[] = []
  for (const { path, kind } of await walkClaim(place.root, place.claim)) {
    if (kind !== 'file') continue
    try {
      for (const document of readDocuments(path, chunksOf(join(place.root, place.claim.base, path)), each)) {
        await breathe()
        const problem = verifyDocument(place, document, stands, left)
        if (problem === 'newer') newer.push(joinPath(place.claim.base, document.name))
        else if (problem !== null) problems.push(problem)
      }
    } catch (error) {
      if (!cannotBeRead(error)) throw error
    }
  }
  // Where the store is newer altogether, that has been said of it
  return newer.length === 0 || isNewer ? problems : [...problems, describeNewer(place, newer)]
}

function describeNewer({ spec }: Place, files: readonly string[]): Problem {
  const [first, ...others] = files
  const who =
    others.length === 0
      ? `${first} is`
      : `${first} and ${others.length} more document${others.length === 1 ? '' : 's'} are`
  return {
    store: spec.name,
    code: 'RECORDS_INVALID',
    message: `${who} of a newer version than this program knows.`,
    hint: 'Start the program that wrote them, or a newer one.',
  }
}

function verifyDocument(
  place: Place,
  document: RawDocument,
  stands: StoreVersion,
  left: ReadonlySet<string>,
): Problem | 'newer' | null {
  const { chain } = place.spec.own as RecordsOwn
  const head = headOf(chain)
  const isLeft = left.has(document.name)
  const file = joinPath(place.claim.base, document.name)
  const problem = (message: string, hint: string): Problem => ({
    store: place.spec.name,
    code: 'RECORDS_INVALID',
    message,
    hint,
  })
  try {
    const { source, version } = openDocument(chain, document, stands, head)
    checkDocument(chain, source.value, version, head)
    if (version >= stands.version)
      return isLeft
        ? problem(
            `${file} stands in the list of documents left behind, and is whole.`,
            'Somebody has mended it; the next upgrade takes it off the list.',
          )
        : null
    return problem(
      `${file} is at version ${version}, and its store at ${stands.version}: ${isLeft ? 'it was left as it is' : 'it was put here after the last upgrade'}.`,
      `A program that reads it with ${chain.name}.read(…) gets it at version ${head}, and ${chain.name}.write(…) writes it so; the next upgrade that changes these records does for all.`,
    )
  } catch (error) {
    if (!(error instanceof RecordProblem)) throw error
    if (error.from !== null && error.from > head) return 'newer'
    if (possibleVersions(stands, document.name).length > 1)
      return problem(
        `${file} was left as it is: ${error.reason}.`,
        `Bring it to version ${stands.version} by hand if it isn't; then take it out, start once without it, and put it back.`,
      )
    return problem(
      `${file} cannot be read as a record: ${error.reason}.`,
      `Mend it, or take it out.${isLeft ? ' It was left as it is; once it is mended, the next upgrade brings it forward.' : ' The next upgrade that changes this store lists it as left behind.'}`,
    )
  }
}

/** What cannot be read is named among the files; what is gone was removed by the program that uses the state. */
function cannotBeRead(error: unknown): boolean {
  return isMoultError(error, 'FILE_UNSUPPORTED') || /^E[A-Z0-9]+$/.test(systemCode(error))
}

/** None of a file that cannot be read. */
function* chunksIfAny(path: string): Generator<Buffer, void, undefined> {
  try {
    yield* chunksOf(path)
  } catch (error) {
    if (!cannotBeRead(error)) throw error
  }
}

function* chunksOf(path: string): Generator<Buffer, void, undefined> {
  const fd = openPlainFile(path)
  try {
    yield* readChunks(fd)
  } finally {
    disk.close(fd)
  }
}
