import { join } from 'node:path'
import { disk } from '../../disk/disk.js'
import { lstatIfAny } from '../../disk/identity.js'
import { openPlainFile } from '../../disk/read-file.js'
import { isMoultError, systemCode } from '../../model/errors.js'
import { parseMarker } from '../../model/marker-file.js'
import type { Found, Place } from '../../model/store.js'
import { decodeText } from './decode-text.js'

export type MarkerFound = Extract<Found, { is: 'marked' | 'unreadable' }>

const firstRead = 1 << 16
const mostBytes = 1 << 26

/**
 * What a store's marker file says, or null when there is none. One lstat for each directory of the store's path, then
 * open, fstat, read, close. Whatever is there and is no marker of this store is unreadable, never absent (G8).
 */
export function readMarkerFile(place: Place): MarkerFound | null {
  try {
    const stray = findStray(place)
    if (stray !== null) return stray
    return readMarker(place)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null
    return describeFailure(place, error, 'MARKER_UNREADABLE', `its marker ${place.claim.marker}`)
  }
}

/** What a file system error means for a store; an error that is not one is thrown on. */
export function describeFailure(
  place: Place,
  error: unknown,
  code: 'MARKER_UNREADABLE' | 'STORE_UNREADABLE',
  what: string,
): MarkerFound {
  const system = systemCode(error)
  if (system === 'EACCES' || system === 'EPERM') {
    return {
      is: 'unreadable',
      code: 'NO_PERMISSION',
      reason: `this user may not read ${what}`,
      hint: 'Give this user the right to read it, or start the program as the user who owns it.',
    }
  }
  if (isMoultError(error, 'FILE_UNSUPPORTED'))
    return { is: 'unreadable', code, reason: error.message.replace(/\.$/, ''), hint: repairHint(place) }
  if (/^E[A-Z0-9]+$/.test(system))
    return {
      is: 'unreadable',
      code,
      reason: `${what} cannot be read (${system})`,
      hint: 'Look at the disk and at what stands there, and start again.',
    }
  throw error
}

/** Something else than a directory on the store's own path: nothing below it can be trusted to be the store. */
function findStray({ root, spec }: Place): MarkerFound | null {
  let at = ''
  for (const name of spec.path === '' ? [] : spec.path.split('/')) {
    at = at === '' ? name : `${at}/${name}`
    const stats = lstatIfAny(join(root, at))
    if (stats === null) return null
    if (stats.isDirectory()) continue
    const what = stats.isSymbolicLink() ? 'a symlink' : 'not a directory'
    return {
      is: 'unreadable',
      code: 'STORE_UNREADABLE',
      reason: `${at} is ${what}`,
      hint: `Put the store's own directory at ${at}; moult does not follow symlinks there.`,
    }
  }
  return null
}

function readMarker(place: Place): MarkerFound {
  const bytes = readBounded(join(place.path, place.claim.marker))
  if (bytes === null) return unreadable(place, `it is larger than ${mostBytes / (1 << 20)} MiB`, false)
  const text = decodeText(bytes)
  if (text === null) return unreadable(place, 'it is not UTF-8 text', false)
  const parsed = parseMarker(text, place.spec.name)
  return 'marker' in parsed ? { is: 'marked', marker: parsed.marker } : unreadable(place, parsed.reason, parsed.damaged)
}

function unreadable(place: Place, reason: string, damaged: boolean): MarkerFound {
  return {
    is: 'unreadable',
    code: 'MARKER_UNREADABLE',
    reason: `its marker ${place.claim.marker} says nothing: ${reason}`,
    hint: repairHint(place),
    damaged,
  }
}

function repairHint(place: Place): string {
  const file = place.spec.path === '' ? place.claim.marker : `${place.spec.path}/${place.claim.marker}`
  return `Put ${file} back from a backup or a copy of the same moment. Do not delete it: without it nobody can say what version the data is.`
}

/** Null for a file too large to be a marker. */
function readBounded(path: string): Uint8Array | null {
  const fd = openPlainFile(path)
  try {
    let buffer = Buffer.allocUnsafe(firstRead)
    let length = 0
    for (;;) {
      const count = disk.read(fd, buffer, length, buffer.length - length, length)
      if (count === 0) return buffer.subarray(0, length)
      length += count
      if (length < buffer.length) continue
      if (length >= mostBytes) return null
      buffer = Buffer.concat([buffer], buffer.length * 4)
    }
  } finally {
    disk.close(fd)
  }
}
