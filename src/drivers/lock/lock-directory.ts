import { dirname, join } from 'node:path'
import { disk } from '../../disk/disk.js'
import { systemCode } from '../../model/errors.js'
import { cannotMake } from './cannot-make.js'

/** Where the locks of one state are. */
export interface LockDirectory {
  readonly root: string
  readonly path: string
  /** Newcomers pass through it; closed while a run is under way. */
  readonly gate: string
  /** Held shared by everyone who has the state open. */
  readonly use: string
  /** Held exclusively by work that runs beside the app. */
  readonly work: string
  /** Names the run that holds the lock. */
  readonly owner: string
}

export function lockDirectory(root: string): LockDirectory {
  const path = join(root, '.moult', 'lock')
  return {
    root,
    path,
    gate: join(path, 'gate.db'),
    use: join(path, 'use.db'),
    work: join(path, 'work.db'),
    owner: join(path, 'owner.json'),
  }
}

/** Whether somebody may hold this state: before the lock files exist, nobody can. */
export function lockFilesExist(root: string): boolean {
  const { gate, use } = lockDirectory(root)
  return exists(gate) && exists(use)
}

/**
 * Makes the directory, and the root and its parents where they are missing, with the modes that the umask leaves:
 * whoever may read the state must be able to hold it, and the files in here are empty.
 *
 * @throws MoultError READ_ONLY, NO_PERMISSION, NO_SPACE, DISK_FAILED
 */
export function makeLockDirectory({ path }: LockDirectory): void {
  if (isThere(path)) return
  try {
    makeWithParents(path)
  } catch (error) {
    throw cannotMake(path, error)
  }
}

function makeWithParents(path: string): void {
  try {
    disk.mkdir(path)
  } catch (error) {
    const code = systemCode(error)
    if (code === 'EEXIST' && isThere(path)) return
    if (code === 'EEXIST') throw Object.assign(new Error(`ENOTDIR: not a directory: ${path}`), { code: 'ENOTDIR' })
    if (code !== 'ENOENT' || dirname(path) === path) throw error
    makeWithParents(dirname(path))
    makeWithParents(path)
  }
}

/** Whether there is a directory, also through a symlink. A file or a symlink that leads nowhere is none. */
function isThere(path: string): boolean {
  try {
    return disk.stat(path).isDirectory()
  } catch (error) {
    return !['ENOENT', 'ENOTDIR', 'ELOOP'].includes(systemCode(error))
  }
}

function exists(path: string): boolean {
  try {
    disk.lstat(path)
    return true
  } catch (error) {
    // EACCES: the directory is there, and opening the lock files will say what is wrong with it
    return systemCode(error) !== 'ENOENT' && systemCode(error) !== 'ENOTDIR'
  }
}
