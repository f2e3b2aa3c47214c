import { dirname } from 'node:path'
import { disk } from '../../disk/disk.js'
import { makeDirectory } from '../../disk/make-directory.js'
import { keepTimes } from '../../disk/staging.js'
import { systemCode } from '../../model/errors.js'

/**
 * What has to be put back, besides what ROLLBACK does, for a database to be as it was before a run opened it: a file
 * that SQLite made, the folders made for it, and the times of the one they stand in. Sidecars are SQLite's to remove: what is still there when we have
 * closed may be another program's, which has the database open.
 */
export interface Untouched {
  /** Makes the folder of a database that is still to come. */
  makeFolder(): void
  /** A write-ahead log with content was there: whoever closes the database last would move it into the file. */
  hadLog(): boolean
  /** With the write lock taken: from here on the log is ours to write. */
  lock(): void
  /**
   * With the write lock still held: takes from the log what a large transaction spilled into it. SQLite ignores such
   * frames; without them the log is byte for byte as it was.
   */
  cutLog(): void
  /** With the database closed. */
  putBack(): void
}

export function rememberUntouched(path: string): Untouched {
  const folder = path.slice(0, Math.max(path.lastIndexOf('/'), 1))
  const existed = stampOf(path) !== null
  const log = `${path}-wal`
  let logSize = stampOf(log)?.size ?? 0n
  const putTimesBack = keepTimes([folder, nearestFolder(folder)])
  let made: readonly string[] = []
  let putLogTimesBack = keepTimes([log])
  return {
    makeFolder: () => {
      made = makeDirectory(folder)
    },
    hadLog: () => logSize > 0n,
    lock: () => {
      logSize = stampOf(log)?.size ?? 0n
      putLogTimesBack = keepTimes([log])
    },
    cutLog: () => {
      if (logSize > 0n && (stampOf(log)?.size ?? 0n) > logSize) truncate(log, Number(logSize))
    },
    putBack: () => {
      if (!existed && stampOf(path)?.size === 0n) disk.unlink(path)
      for (const each of made.toReversed()) removeIfEmpty(each)
      if (logSize > 0n) putLogTimesBack()
      putTimesBack()
    },
  }
}

function nearestFolder(path: string): string {
  return stampOf(path) !== null || dirname(path) === path ? path : nearestFolder(dirname(path))
}

/** Somebody may have put something there meanwhile: then it stays. */
function removeIfEmpty(folder: string): void {
  try {
    disk.rmdir(folder)
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(systemCode(error))) throw error
  }
}

function stampOf(path: string): { readonly size: bigint } | null {
  try {
    return disk.lstat(path)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null
    throw error
  }
}

/** A log carries no locks, so closing a descriptor of it loses none (protocol 1). */
function truncate(log: string, size: number): void {
  const fd = disk.open(log, 'r+')
  try {
    disk.truncate(fd, size)
  } finally {
    disk.close(fd)
  }
}
