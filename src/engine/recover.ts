import { join } from 'node:path'
import { disk } from '../disk/disk.js'
import type { Decider } from '../disk/intent.js'
import { finishCommit, readCommits, redoCommit, reverseCommit } from '../disk/recover-commits.js'
import { removeRunFolder } from '../disk/run-folder.js'
import { hasCommit } from '../drivers/commit-record.js'
import { makeDurable, settle } from '../drivers/durable.js'
import { waiting } from '../drivers/lock/waiting.js'
import type { WaitOptions, Waiting } from '../drivers/lock/waiting.js'
import type { Driver } from '../model/driver.js'
import { MoultFailure, systemCode } from '../model/errors.js'
import { useDatabase, useWhenFree } from './await-database.js'
import { readJournal } from './journal.js'
import type { RunHeader } from './journal.js'
import { exists, isInside } from './places.js'
import type { Scene } from './places.js'

export interface Recovering {
  readonly driver: () => Promise<Driver>
  /** For programs without moult that have one of the databases; the time is for all of them together. */
  readonly waiting: WaitOptions
  /** Of the lock under which this happens. */
  readonly fence: () => void
  /** Called when all that was decided is done, as long as the journal is still there. */
  readonly onForward?: (header: RunHeader) => void
}

/**
 * Finishes or undoes what a crash left, under the exclusive lock. It knows paths, digests and commit ids, and no step:
 * so any version of the program can do it (protocol 18). Each commit that was decided goes forward; each that was not
 * goes back, or forward where nothing but the journal decides (protocol 5). An error leaves the rest for the next time.
 *
 * @throws MoultError IN_USE, INTERRUPTED, DAMAGED, FORMAT_UNKNOWN, UNFINISHED, LOCK_LOST
 */
export async function recoverRun(scene: Scene, recovering: Recovering): Promise<'forward' | 'back' | null> {
  if (!exists(scene.runFolder)) return null
  const { driver, fence } = recovering
  const time = waiting(recovering.waiting)
  const header = readJournal(scene)
  const commits = readCommits(scene.runFolder)
  // A restore is one commit: once that is done, nothing is left to undo
  let direction: 'forward' | 'back' =
    header?.restores !== undefined && commits.some(({ isDone }) => isDone) ? 'forward' : 'back'
  for (const database of header?.databases ?? []) await settleDatabase(scene, database, driver, time)
  for (const commit of commits) {
    if (commit.isDone) continue
    fence()
    if (commit.isDecided) {
      await finishCommit(scene.root, scene.runFolder, commit)
      direction = 'forward'
    } else if (commit.decider === null || (await wasCommitted(scene, commit.decider, driver, time))) {
      if ((await redoCommit(scene.root, scene.runFolder, commit)) === 'done') direction = 'forward'
    } else {
      await reverseCommit(scene.root, scene.runFolder, commit)
    }
  }
  if (direction === 'back') for (const path of header?.logged ?? []) await putLogBack(scene, path, driver)
  if (direction === 'forward' && header !== null) recovering.onForward?.(header)
  await removeRunFolder(scene.root, header?.staging ?? [], fence)
  return direction
}

/**
 * What a database shows after a crash may exist only in the operating system's cache. A commit of our own makes it
 * durable before anything is built on it.
 */
async function settleDatabase(scene: Scene, path: string, driver: () => Promise<Driver>, time: Waiting): Promise<void> {
  const file = join(scene.root, path)
  if (sizeOf(file) === 0n) return
  if (!isInside(scene.root, file)) throw damaged(scene, path, 'it lies outside of the root')
  try {
    await useWhenFree({ file, driver, time }, (connection) => {
      makeDurable(connection)
      settle(connection)
    })
  } catch (error) {
    // Not a database: the examination says so, and nothing was built on it
    if (!['SQLITE_NOTADB', 'SQLITE_CORRUPT'].includes(systemCode(error))) throw error
  }
}

/** A restore was cut off before it replaced this database, which was in WAL mode. */
async function putLogBack(scene: Scene, path: string, driver: () => Promise<Driver>): Promise<void> {
  const file = join(scene.root, path)
  if (sizeOf(file) === 0n || !isInside(scene.root, file)) return
  try {
    await useDatabase(file, driver, (connection) => connection.prepare('PRAGMA journal_mode = WAL').get([]))
  } catch (error) {
    // Somebody uses it by now, and chooses the mode
    if (!systemCode(error).startsWith('SQLITE_')) throw error
  }
}

function sizeOf(file: string): bigint {
  try {
    return disk.stat(file).size
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error))) return 0n
    throw error
  }
}

async function wasCommitted(
  scene: Scene,
  { path, commitId }: Decider,
  driver: () => Promise<Driver>,
  time: Waiting,
): Promise<boolean> {
  const file = join(scene.root, path)
  if (!exists(file)) throw damaged(scene, path, 'it is gone')
  if (!isInside(scene.root, file)) throw damaged(scene, path, 'it lies outside of the root')
  try {
    return await useWhenFree({ file, driver, time }, (connection) => hasCommit(connection, commitId))
  } catch (error) {
    if (systemCode(error).startsWith('SQLITE_')) throw damaged(scene, path, 'it cannot be read', error)
    throw error
  }
}

function damaged(scene: Scene, path: string, why: string, cause?: unknown): MoultFailure<'DAMAGED'> {
  return new MoultFailure('DAMAGED', {
    message: `A run was cut off here, and the database that says how it ended (${path}) cannot be asked: ${why}. Nothing was changed.`,
    hint: `Bring that database back and start again. ${scene.runFolder} has what the run was about to write.`,
    details: { path },
    cause,
  })
}
