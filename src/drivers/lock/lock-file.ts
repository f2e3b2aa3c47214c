import { dirname, join } from 'node:path'
import { disk } from '../../disk/disk.js'
import type { Connection, Driver } from '../../model/driver.js'
import { MoultFailure, systemCode } from '../../model/errors.js'
import { sqliteCode } from '../sqlite-failure.js'
import { cannotMake } from './cannot-make.js'

export type LockMode = 'shared' | 'exclusive'

/** A lock file that is held as long as its connection is open. */
export interface HeldFile {
  readonly path: string
  readonly mode: LockMode
  /** Device and inode of the file that was locked. */
  readonly identity: string
  /** Kept from the garbage collector by the registry: a collected connection lets go. */
  readonly connection: Connection
}

/**
 * The journal stays in memory, or a killed holder would leave a file behind. Writing user_version makes SQLite say
 * whether it may write at all: on a file it can only read, BEGIN EXCLUSIVE succeeds and locks nothing. The write is
 * never committed.
 */
const takeStatements: Readonly<Record<LockMode, string>> = {
  shared: 'BEGIN; SELECT 1 FROM sqlite_schema',
  exclusive: 'PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE; PRAGMA user_version = 0',
}

/**
 * One try to lock an empty file through SQLite's own file locks, which the kernel drops when the holder dies. Makes the
 * file if it isn't there. Doesn't wait: null when somebody else holds it, or when the file was replaced meanwhile.
 *
 * @throws MoultError DAMAGED, READ_ONLY, NO_PERMISSION, DISK_FAILED
 */
export function tryLockFile(driver: Driver, path: string, mode: LockMode, readOnly: boolean): HeldFile | null {
  let connection: Connection | undefined
  try {
    // Made first, so that the identity seen before the lock and after it is one and the same file's
    if (identify(path) === null && !readOnly) driver.open(path, { readOnly }).close()
    const identity = identify(path)
    if (identity === null) return null
    connection = driver.open(path, { readOnly })
    connection.exec(takeStatements[mode])
    if (identify(path) === identity) {
      const held: HeldFile = { path, mode, identity, connection }
      connection = undefined
      return held
    }
    return null
  } catch (error) {
    if (sqliteCode(error) === 'SQLITE_BUSY') return null
    throw explain(path, error)
  } finally {
    connection?.close()
  }
}

export function letGo(held: HeldFile): void {
  held.connection.close()
}

/**
 * Device and inode of a lock file, or null if there is none.
 *
 * @throws MoultError DAMAGED when it isn't an empty regular file: with content, or turned into a WAL database, SQLite
 * would lock other bytes or let two holders in.
 */
export function identify(path: string): string | null {
  let stats
  try {
    stats = disk.lstat(path)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null
    throw error
  }
  if (!stats.isFile() || stats.size !== 0n) throw notALock(path)
  return `${stats.dev}:${stats.ino}`
}

function notALock(path: string, cause?: unknown): MoultFailure {
  return new MoultFailure('DAMAGED', {
    message: `${path} is not an empty file any more, so it cannot serve as a lock`,
    hint: `Nothing should write to it. Stop every program that uses this state, delete ${dirname(path)} and start again; it holds no data.`,
    details: { path },
    cause,
  })
}

function explain(path: string, cause: unknown): unknown {
  const details = { path }
  switch (sqliteCode(cause)) {
    case 'SQLITE_NOTADB':
    case 'SQLITE_CORRUPT':
      return notALock(path, cause)
    case 'SQLITE_READONLY':
      return new MoultFailure('READ_ONLY', {
        message: `${path} cannot be locked for a run: this user may not write it, or its file system is read-only`,
        hint: 'Start the program as the user that the state belongs to, or make the file writable.',
        details,
        cause,
      })
    case 'SQLITE_CANTOPEN':
      return whyNothingCanBeMade(dirname(path)) ?? notAccessible(path, cause)
    case 'SQLITE_PERM':
      return notAccessible(path, cause)
    case '':
      return systemCode(cause) === 'EACCES' ? notAccessible(path, cause) : cause
    default:
      return new MoultFailure('DISK_FAILED', {
        message: `${path} cannot be locked (${sqliteCode(cause)}): its file system may not support file locks`,
        hint: 'Keep the state on a local disk; network file systems often have no locks that hold.',
        details,
        cause,
      })
  }
}

function notAccessible(path: string, cause: unknown): MoultFailure {
  return new MoultFailure('NO_PERMISSION', {
    message: `${path} cannot be opened by this user`,
    hint: `Start the program as the user that the state belongs to, or make ${dirname(path)} and the files in it accessible.`,
    details: { path },
    cause,
  })
}

/** SQLite says only that it can't open a file; trying to make a directory beside it gives the system's reason. */
function whyNothingCanBeMade(directory: string): MoultFailure | null {
  const probe = join(directory, 'probe')
  try {
    disk.mkdir(probe)
    disk.rmdir(probe)
    return null
  } catch (error) {
    return systemCode(error) === 'EEXIST' ? null : cannotMake(directory, error)
  }
}
