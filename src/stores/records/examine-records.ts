import { join } from 'node:path'
import { lstatIfAny } from '../../disk/identity.js'
import { isPlainPath } from '../../disk/relative-path.js'
import { isMoultError, systemCode } from '../../model/errors.js'
import { entriesOf } from '../../model/marker.js'
import type { LeftDocument } from '../../model/marker.js'
import type { Found, Place } from '../../model/store.js'
import { examineFiles } from '../files/examine-files.js'
import { basePlace } from './base-place.js'
import { leftByFile, stampOf } from './left-documents.js'
import { headOf } from './record-chain.js'
import type { RecordsOwn } from './own.js'

/**
 * As for any store of files; then, one lstat for each file in which something was left, whether that has been mended or
 * removed since. Only for a store at a version whose records this program knows.
 */
export async function examineRecords(given: Place): Promise<Found> {
  if (isDirectoryForFile(given)) return directoryForFile(given)
  const place = basePlace(given)
  const found = await examineFiles(place)
  if (found.is !== 'marked' || found.marker.left.length === 0) return found
  const { chain, each } = place.spec.own as RecordsOwn
  const version = entriesOf(found.marker, '').length
  if (version < chain.oldest || version > headOf(chain)) return found
  for (const [file, documents] of leftByFile(found.marker.left, each))
    if (await hasChanged(place, file, documents)) return { ...found, retry: true }
  return found
}

/** A store that was declared without `files` is one file: a directory there would be a store of nothing. */
function isDirectoryForFile({ spec, path }: Place): boolean {
  return spec.extent.is === 'file' && lstatIfAny(path)?.isDirectory() === true
}

function directoryForFile({ spec }: Place): Found {
  return {
    is: 'unreadable',
    code: 'STORE_UNREADABLE',
    reason: 'it is a directory, and the store was declared as one file',
    hint: `Say which files of the directory hold the records: records('${spec.name}', { path: '${spec.path}', files: '*.json', … }).`,
  }
}

async function hasChanged(place: Place, file: string, documents: readonly LeftDocument[]): Promise<boolean> {
  if (!isPlainPath(file)) return true
  const path = join(place.root, place.claim.base, file)
  try {
    const stats = lstatIfAny(path)
    if (stats === null) return !(await isUndecodable(place, file, documents))
    const stamp = stampOf(stats)
    if (documents.every(({ seen }) => seen === stamp || seen?.startsWith(`${stamp} `) === true)) return false
    const { areAsLeft } = await import('./left-seen.js')
    return !areAsLeft(path, file, (place.spec.own as RecordsOwn).each, documents)
  } catch (error) {
    if (isMoultError(error, 'FILE_UNSUPPORTED')) return true
    // What cannot be looked at could not be tried either.
    if (/^E[A-Z0-9]+$/.test(systemCode(error))) return false
    throw error
  }
}

/** What has no path cannot be looked at: it was left without a stamp, and is found by its name only. */
async function isUndecodable(place: Place, file: string, documents: readonly LeftDocument[]): Promise<boolean> {
  if (documents.some(({ seen }) => seen !== undefined)) return false
  const walk = await import('../../disk/walk.js')
  return walk.isUndecodable(join(place.root, place.claim.base), file)
}
