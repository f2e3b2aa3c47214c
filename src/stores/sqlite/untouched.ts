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
  readonly hadLog: boolean
  putBack(): void
}

export function rememberUntouched(path: string): Untouched {
  const folder = path.slice(0, Math.max(path.lastIndexOf('/'), 1))
  const existed = stampOf(path) !== null
  const present = new Set(sidecars.filter((suffix) => stampOf(path + suffix) !== null))
  const hadLog = (stampOf(`${path}-wal`)?.size ?? 0n) > 0n
  const putTimesBack = keepTimes([folder])
  return {
    hadLog,
    putBack: () => {
      const made = sidecars.filter((suffix) => !present.has(suffix)).map((suffix) => path + suffix)
      for (const file of existed ? made : [path, ...made]) removeIfEmptyOrOurs(file, existed)
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
