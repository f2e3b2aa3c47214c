import { isMainThread } from 'node:worker_threads'
import { disk } from '../../disk/disk.js'
import { isAbsent, lstatIfAny } from '../../disk/identity.js'
import { pin, stampOf } from '../../disk/pin.js'
import { openPlainFile } from '../../disk/read-file.js'
import { isMoultError, systemCode } from '../../model/errors.js'
import { isSameName } from './identifier.js'
import type { OpenFile } from './pages/open-file.js'
import { Pages } from './pages/pages.js'
import { readSchema } from './pages/schema.js'
import { readTable, type TableContent } from './pages/table-rows.js'
import type { DatabasePeek, Peek } from './peeked.js'
import { Unreadable } from './pages/unreadable.js'

const tries = 20
/** The coarsest clock of a file system in use (FAT: 2 s), and some room. */
const coarsestClockMs = 3000

/**
 * Reads tables of a SQLite database as they are after its last commit, without SQLite: it takes no lock, writes
 * nothing, creates no file and needs no driver, so it can look at a live database, at a crashed one and at one on a
 * read-only mount (protocol 3). Never throws for what it finds in the files, and reads only the schema's pages and the
 * tables', but all of a -wal (about 1 GB/s, synchronously).
 *
 * Without a lock a writer may change the files during the look. So it counts only if the stamps of all three files are
 * the same before and after; and because a clock tick may hide a second write, files written within the last 3 s must
 * also give the same pages twice. After 20 tries the answer is `busy`. In a worker thread see `peekInChild`.
 *
 * @param tables names, compared as SQLite does; each must be an ordinary rowid table, if it exists
 */
export async function peek(path: string, tables: readonly string[]): Promise<Peek> {
  if (!isMainThread) return (await import('./peek-in-child.js')).peekInChild(path, tables)
  let earlier: Look | null = null
  for (let attempt = 1; attempt <= tries; attempt++) {
    try {
      const paths = pathsOf(path)
      const before = stampsOf(paths)
      const look = lookAt(paths, before, tables)
      if (isSame(stampsOf(paths), before)) {
        if (!isFresh(before) || (earlier !== null && isSameLook(earlier, look))) return look.found
        earlier = look
        continue
      }
    } catch (error) {
      return asUnreadable(error)
    }
    earlier = null
    await new Promise((resolve) => setTimeout(resolve, attempt))
  }
  return { state: 'busy' }
}

interface Look {
  readonly found: Peek
  readonly seen: ReadonlyMap<number, Buffer>
}

interface Paths {
  readonly main: string
  readonly wal: string
  readonly journal: string
}

function lookAt(paths: Paths, [, walStamp, journalStamp]: readonly string[], tables: readonly string[]): Look {
  const opened: number[] = []
  let pages: Pages | null = null
  try {
    const wal = walStamp === '-' ? null : openSidecar(paths.wal, opened)
    const journal = journalStamp === '-' ? null : openSidecar(paths.journal, opened)
    const main = mainFile(paths.main)
    const isAlone = wal === null && journal === null
    if (main === null && !isAlone) {
      throw new Unreadable('sidecar', 'the file is gone, but a -wal or -journal with content stands where it was')
    }
    if (main === null) return { found: { state: 'absent' }, seen: new Map() }
    if (main.size === 0 && isAlone) return { found: { state: 'empty' }, seen: new Map() }
    pages = Pages.open({ main, wal, journal })
    if (pages === null) return { found: { state: 'empty' }, seen: new Map() }
    return { found: readDatabase(pages, tables), seen: pages.seen }
  } catch (error) {
    return { found: asUnreadable(error), seen: pages?.seen ?? new Map() }
  } finally {
    for (const fd of opened) disk.close(fd)
  }
}

function readDatabase(pages: Pages, wanted: readonly string[]): DatabasePeek {
  const objects = readSchema(pages)
  const tables: Record<string, TableContent> = Object.create(null)
  for (const name of wanted) {
    const object = objects.find(
      (each) => (each.type === 'table' || each.type === 'view') && isSameName(each.name, name),
    )
    if (object?.type === 'view') throw new Unreadable('unsupported', `'${object.name}' is a view, not a table`)
    if (object !== undefined) tables[name] = readTable(pages, object)
  }
  return {
    state: 'database',
    userVersion: pages.header.userVersion,
    journalMode: pages.header.isWal ? 'wal' : 'rollback',
    hot: pages.isHot,
    schema: objects.map(({ type, name, tableName, sql }) => ({ type, name, tableName, sql })),
    tables,
  }
}

/** SQLite takes a file of one byte for an empty one, because on some systems it makes them so (its ticket 3260). */
function mainFile(path: string): OpenFile | null {
  const found = pin(path)
  return found === null || found.size !== 1 ? found : { fd: found.fd, size: 0 }
}

/** SQLite resolves a symlink first, so the sidecars stand beside the real file. */
function pathsOf(path: string): Paths {
  const main = lstatIfAny(path)?.isSymbolicLink() ? disk.realpath(path) : path
  return { main, wal: `${main}-wal`, journal: `${main}-journal` }
}

/** Null when there is none, or none with content. SQLite takes no lock on these two, so they may be closed. */
function openSidecar(path: string, opened: number[]): OpenFile | null {
  try {
    const fd = openPlainFile(path)
    opened.push(fd)
    const size = Number(disk.fstat(fd).size)
    return size === 0 ? null : { fd, size }
  } catch (error) {
    if (isAbsent(error)) return null
    throw error
  }
}

function stampsOf({ main, wal, journal }: Paths): string[] {
  return [stampOf(main), stampOf(wal), stampOf(journal)]
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.every((stamp, i) => stamp === b[i])
}

/** Whether a further write could leave the stamps as they are. Times in the future are no better than fresh ones. */
function isFresh(stamps: readonly string[]): boolean {
  const since = BigInt(Date.now() - coarsestClockMs) * 1_000_000n
  return stamps.some((stamp) => stamp !== '-' && BigInt(stamp.slice(stamp.lastIndexOf(':') + 1)) >= since)
}

function isSameLook(a: Look, b: Look): boolean {
  if (verdictOf(a.found) !== verdictOf(b.found) || a.seen.size !== b.seen.size) return false
  for (const [number, bytes] of a.seen) if (b.seen.get(number)?.equals(bytes) !== true) return false
  return true
}

function verdictOf(found: Peek): string {
  return found.state === 'unreadable' ? found.reason : found.state
}

/** Errors of the file system and of the files' content; anything else is a mistake of ours and goes on its way. */
function asUnreadable(error: unknown): Peek {
  if (error instanceof Unreadable) return { state: 'unreadable', why: error.why, reason: error.message }
  if (!(error instanceof Error) || !(isMoultError(error) || /^E[A-Z0-9]+$/.test(systemCode(error)))) throw error
  return { state: 'unreadable', why: 'disk', reason: error.message, cause: error }
}
