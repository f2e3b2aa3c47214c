import { isMainThread } from 'node:worker_threads'
import { findOpeners } from '../../drivers/find-openers.js'
import type { DatabaseRequest, SeizedDatabase } from '../../model/database-code.js'
import type { Connection } from '../../model/driver.js'
import { MoultFailure } from '../../model/errors.js'
import { retryWhileBusy } from './begin.js'
import { beginCopy } from './copy-pages.js'
import type { PageCopy } from './copy-pages.js'
import { copyInChild, finishCopy } from './copy-in-child.js'

/**
 * Makes sure that a database may be replaced by a rename. In WAL mode `journal_mode = DELETE` succeeds only while no
 * other connection is open (https://sqlite.org/wal.html#activating_and_configuring_wal_mode). In rollback mode an idle
 * connection shows nowhere but in the kernel's list of open files, where there is one; one that is missed reads what
 * was there before, and its next write is refused by SQLite itself (SQLITE_READONLY_DBMOVED), so nothing it writes is
 * lost.
 */
export async function seizeDatabase(request: DatabaseRequest, onLogged: () => void): Promise<SeizedDatabase> {
  const { path, signal } = request
  refuseOpeners(request)
  const connection = (await request.driver()).open(path, { readOnly: false })
  let journalMode = ''
  let copy: PageCopy | null = null
  let target = ''
  let copied: ReturnType<typeof copyInChild> | null = null
  try {
    await retryWhileBusy(request, () => {
      journalMode ||= modeOf(connection, 'PRAGMA journal_mode')
      if (journalMode === 'wal') leaveLog(connection, onLogged)
      connection.exec('BEGIN EXCLUSIVE')
    })
  } catch (error) {
    putBack(connection, journalMode)
    throw error
  }
  return {
    journalMode,
    begin: async (to) => {
      target = to
      if (isMainThread) copy = beginCopy(path, to)
      else copied = copyInChild(path, to, signal)
    },
    letWritersGo: () => undefined,
    finish: async () => {
      if (copied !== null) return copied
      if (copy === null) throw new TypeError('a copy is begun before it is finished')
      return finishCopy({ path, to: target, copy }, signal)
    },
    release: () => {
      copy?.close()
      connection.close()
    },
    putBack: () => {
      copy?.close()
      putBack(connection, journalMode)
    },
  }
}

function leaveLog(connection: Connection, onLogged: () => void): void {
  onLogged()
  if (modeOf(connection, 'PRAGMA journal_mode = DELETE') === 'delete') return
  throw Object.assign(new Error('another connection is open'), { code: 'SQLITE_BUSY' })
}

function refuseOpeners({ store, path }: DatabaseRequest): void {
  const holder = findOpeners(path)
  if (holder === null) return
  throw new MoultFailure('IN_USE', {
    message: `The database of '${store}' (${path}) is open in ${holder}.`,
    hint: 'Close the programs that have it open and try again.',
    details: { holder, waitedMs: 0 },
  })
}

function modeOf(connection: Connection, pragma: string): string {
  return String(connection.prepare(pragma).get([])?.['journal_mode'])
}

function putBack(connection: Connection, journalMode: string): void {
  try {
    if (connection.inTransaction) connection.exec('ROLLBACK')
    if (journalMode === 'wal') modeOf(connection, 'PRAGMA journal_mode = WAL')
  } catch {
    // Another program has it open by now, or it is no database: then the mode is theirs to choose
  } finally {
    connection.close()
  }
}
