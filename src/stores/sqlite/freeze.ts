import { isMainThread } from 'node:worker_threads'
import { stampOf } from '../../disk/pin.js'
import type { DatabaseRequest, FrozenDatabase } from '../../model/database-code.js'
import type { Connection, Driver } from '../../model/driver.js'
import { MoultFailure, systemCode } from '../../model/errors.js'
import { retryWhileBusy } from './begin.js'
import { beginCopy } from './copy-pages.js'
import type { PageCopy } from './copy-pages.js'
import { copyInChild, finishCopy } from './copy-in-child.js'
import { rememberUntouched } from './untouched.js'

/**
 * Protocol 10: a write lock makes writers stand still, so that several databases and files can be held at one moment; a
 * read transaction begun under it keeps that moment once writers go on.
 */
export async function freezeDatabase(request: DatabaseRequest): Promise<FrozenDatabase> {
  const { path, signal } = request
  const driver = await request.driver()
  const untouched = rememberUntouched(path)
  const open: { writer: Connection | null; reader: Connection | null; copy: PageCopy | null } = {
    writer: null,
    reader: null,
    copy: null,
  }
  let copied: ReturnType<typeof copyInChild> | null = null
  const release = (): void => {
    open.copy?.close()
    closeUntouched(open, untouched.hadLog())
    untouched.putBack()
  }
  try {
    const writer = (open.writer = openForWriting(driver, path))
    // A file that may only be read is held still by a reader: in rollback mode nobody commits beside one
    const begin = writer === null ? 'BEGIN' : 'BEGIN IMMEDIATE'
    const first = writer ?? (open.reader = driver.open(path, { readOnly: true }))
    await retryWhileBusy(request, () => first.exec(begin))
    const journalMode = modeOf(first)
    const isLogged = journalMode === 'wal' && writer !== null
    if (isLogged) {
      open.reader = driver.open(path, { readOnly: true })
      open.reader.exec('BEGIN')
    }
    first.prepare('SELECT 1 FROM sqlite_schema').get([])
    open.reader?.prepare('SELECT 1 FROM sqlite_schema').get([])
    const isUnguarded = journalMode === 'wal' && writer === null
    let stamps = ''
    let target = ''
    return {
      journalMode,
      begin: async (to) => {
        stamps = stampsOf(path)
        target = to
        if (isMainThread) open.copy = beginCopy(path, to)
        else copied = copyInChild(path, to, signal)
      },
      letWritersGo: () => {
        if (isLogged && copied === null && writer.inTransaction) writer.exec('ROLLBACK')
      },
      finish: async () => {
        if (copied !== null) return copied
        if (open.copy === null) throw new TypeError('a copy is begun before it is finished')
        const done = await finishCopy({ path, to: target, copy: open.copy }, signal)
        if (isUnguarded && stampsOf(path) !== stamps) throw changed(request)
        return done
      },
      release,
    }
  } catch (error) {
    release()
    throw error
  }
}

function openForWriting(driver: Driver, path: string): Connection | null {
  try {
    const connection = driver.open(path, { readOnly: false })
    try {
      connection.prepare('SELECT 1 FROM sqlite_schema').get([])
      connection.exec('BEGIN IMMEDIATE; ROLLBACK')
    } catch (error) {
      if (!isRefusedWrite(error)) return connection
      connection.close()
      return null
    }
    return connection
  } catch (error) {
    if (isRefusedWrite(error)) return null
    throw error
  }
}

function stampsOf(path: string): string {
  return `${stampOf(path)} ${stampOf(`${path}-wal`)}`
}

/** A log that this user may not lock, others may still write. */
function changed({ store, path }: DatabaseRequest): MoultFailure<'IN_USE'> {
  return new MoultFailure('IN_USE', {
    message: `The database of '${store}' (${path}) was written to while it was copied, and this user cannot lock it.`,
    hint: 'Start the program as the user that the state belongs to.',
    details: { holder: null, waitedMs: 0 },
  })
}

function isRefusedWrite(error: unknown): boolean {
  return /^SQLITE_(READONLY|CANTOPEN|PERM)/.test(systemCode(error))
}

function modeOf(connection: Connection): string {
  return String(connection.prepare('PRAGMA journal_mode').get([])?.['journal_mode'])
}

/**
 * Whoever closes a WAL database last moves its log into the file, unless it may only read. Where a log was there before,
 * the reader closes last; where there was none, the writer does, and takes the empty one with it.
 */
function closeUntouched(open: { writer: Connection | null; reader: Connection | null }, hadLog: boolean): void {
  for (const connection of [open.reader, open.writer]) if (connection?.inTransaction) connection.exec('ROLLBACK')
  const { reader, writer } = open
  open.reader = null
  open.writer = null
  for (const connection of hadLog ? [writer, reader] : [reader, writer]) connection?.close()
}
