import { join } from 'node:path'
import { breathe } from '../../disk/breathe.js'
import { disk } from '../../disk/disk.js'
import { undecodableFile } from '../../disk/failures.js'
import { findOwnNames } from '../../disk/own-names.js'
import type { OwnName } from '../../disk/own-names.js'
import { openPlainFile } from '../../disk/read-file.js'
import { joinPath } from '../../disk/relative-path.js'
import { walkClaim } from '../../disk/walk.js'
import type { WalkEntry } from '../../disk/walk.js'
import { isMoultError, systemCode } from '../../model/errors.js'
import type { Problem } from '../../model/report.js'
import type { Place } from '../../model/store.js'
import { describeFailure, readMarkerFile } from './read-marker.js'

const chunkBytes = 1 << 16

/** Looks at everything of a store of files: its marker, each file to its end, and what does not belong there. */
export async function verifyFiles(place: Place): Promise<Problem[]> {
  const store = place.spec.name
  const marker = readMarkerFile(place)
  if (marker?.is === 'unreadable') {
    const problem = {
      store,
      code: marker.code,
      message: `The store '${store}' cannot be read: ${marker.reason}.`,
      hint: marker.hint,
    }
    if (marker.code !== 'MARKER_UNREADABLE') return [problem]
    return [problem, ...(await verifyContent(place))]
  }
  return await verifyContent(place)
}

async function verifyContent(place: Place): Promise<Problem[]> {
  try {
    const problems: Problem[] = []
    for (const entry of await walkClaim(place.root, place.claim)) {
      await breathe()
      const problem = verifyEntry(place, entry)
      if (problem !== null) problems.push(problem)
    }
    for (const { path, is } of await findOwnNames(place.root, place.claim))
      problems.push(reportOwn(place.spec.name, joinPath(place.spec.path, path), is))
    return problems
  } catch (error) {
    const found = describeFailure(place, error, 'STORE_UNREADABLE', `the directory of '${place.spec.name}'`)
    if (found.is === 'marked') throw error
    return [
      {
        store: place.spec.name,
        code: found.code,
        message: `The store '${place.spec.name}' cannot be read: ${found.reason}.`,
        hint: found.hint,
      },
    ]
  }
}

function verifyEntry(place: Place, entry: WalkEntry): Problem | null {
  const store = place.spec.name
  const file = joinPath(place.spec.path, entry.path)
  if (entry.kind === 'undecodable') {
    const { code, message, hint } = undecodableFile(file)
    return { store, code, message, hint }
  }
  if (entry.kind !== 'file' || entry.links > 1) {
    const what =
      entry.kind === 'symlink'
        ? 'a symlink'
        : entry.kind === 'special'
          ? 'a pipe, a socket or a device'
          : 'a file with several names (hard links)'
    return {
      store,
      code: 'FILE_UNSUPPORTED',
      message: `${file} is ${what}; a step that touches it will be refused.`,
      hint: 'Put a plain file in its place, or leave it out of the store with `ignore`.',
    }
  }
  try {
    readToEnd(join(place.root, file))
    return null
  } catch (error) {
    const code = systemCode(error)
    // Gone since the walk: a program that uses the state may remove its files.
    if (code === 'ENOENT') return null
    if (code === 'EACCES' || code === 'EPERM') {
      return {
        store,
        code: 'NO_PERMISSION',
        message: `This user may not read ${file}.`,
        hint: 'Give this user the right to read it.',
      }
    }
    if (isMoultError(error, 'FILE_UNSUPPORTED'))
      return { store, code: error.code, message: error.message, hint: error.hint }
    if (!/^E[A-Z0-9]+$/.test(code)) throw error
    return {
      store,
      code: 'DISK_FAILED',
      message: `${file} cannot be read to its end (${code}).`,
      hint: 'Look at the disk, and bring this file back from a backup.',
    }
  }
}

function readToEnd(path: string): void {
  const fd = openPlainFile(path)
  try {
    const buffer = Buffer.allocUnsafe(chunkBytes)
    for (let at = 0, count = -1; count !== 0; at += count) count = disk.read(fd, buffer, 0, chunkBytes, at)
  } finally {
    disk.close(fd)
  }
}

function reportOwn(store: string, file: string, is: OwnName['is']): Problem {
  if (is === 'left') return leftover(store, file)
  return {
    store,
    code: 'STORE_CHANGED',
    message: `${file} is what another program wrote while an upgrade was coming to its end.`,
    hint: 'Take over what you need from it into the file whose name it has, then delete it.',
  }
}

function leftover(store: string, file: string): Problem {
  return {
    store,
    code: 'UNFINISHED',
    message: `${file} was left by a run or a write that was cut off.`,
    hint: 'If no upgrade is running, nothing needs it: delete it.',
  }
}
