import { disk } from '../../disk/disk.js'
import { changedFile } from '../../disk/failures.js'
import { isAbsent } from '../../disk/identity.js'
import type { MoultFailure } from '../../model/errors.js'
import type { Place } from '../../model/store.js'

/** STORE_CHANGED when the database at its path is not the file that was opened any more; else null. */
export type FindReplaced = () => MoultFailure<'STORE_CHANGED'> | null

/** Device and inode of the file at a path, symlinks followed; null when there is none. Opens nothing (protocol 1). */
export function fileAt(path: string): string | null {
  try {
    const { dev, ino } = disk.stat(path)
    return `${dev}:${ino}`
  } catch (error) {
    if (isAbsent(error)) return null
    throw error
  }
}

/**
 * SQLite goes on with the file that it has opened, also when a program has renamed another one over it, and so would
 * commit to a file that nobody will see again. To be called with the database open; `before` is what was there before.
 */
export function watchFile({ spec, path }: Place, before: string | null): FindReplaced {
  const opened = before ?? fileAt(path)
  return () => {
    const now = fileAt(path)
    if (now === opened) return null
    return changedFile(spec.path, now === null ? 'was removed' : 'was replaced by another file')
  }
}
