import { disk } from '../../disk/disk.js'
import { keepTimes } from '../../disk/staging.js'
import { systemCode } from '../../model/errors.js'

const sidecars = ['-journal', '-wal', '-shm'] as const

/**
 * What has to be put back, besides what ROLLBACK does, for a database to be as it was before a run opened it: a file
 * that SQLite made, sidecars that it made, and the times of the folder that it made them in.
 */
export interface Untouched {
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
  const present = new Set(sidecars.filter((suffix) => stampOf(path + suffix) !== null))
  const log = `${path}-wal`
  let logSize = stampOf(log)?.size ?? 0n
  const putTimesBack = keepTimes([folder])
  let putLogTimesBack = keepTimes([log])
  return {
    hadLog: () => logSize > 0n,
    lock: () => {
      logSize = stampOf(log)?.size ?? 0n
      putLogTimesBack = keepTimes([log])
    },
    cutLog: () => {
      if (logSize > 0n && (stampOf(log)?.size ?? 0n) > logSize) truncate(log, Number(logSize))
    },
    putBack: () => {
      const made = sidecars.filter((suffix) => !present.has(suffix)).map((suffix) => path + suffix)
      for (const file of existed ? made : [path, ...made]) removeIfEmptyOrOurs(file, existed)
      if (logSize > 0n) putLogTimesBack()
      putTimesBack()
    },
  }
}

/** With the database closed, a sidecar that was not there before holds nothing that was not rolled back. */
function removeIfEmptyOrOurs(file: string, databaseExisted: boolean): void {
  const stamp = stampOf(file)
  if (!stamp) return
  if (databaseExisted && stamp.size > 0n && !file.endsWith('-shm')) return
  disk.unlink(file)
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
