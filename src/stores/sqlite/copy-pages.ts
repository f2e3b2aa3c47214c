import { createHash } from 'node:crypto'
import { breathe } from '../../disk/breathe.js'
import { disk } from '../../disk/disk.js'
import { pin } from '../../disk/pin.js'
import { openPlainFile } from '../../disk/read-file.js'
import { isAbsent } from '../../disk/identity.js'
import { headerBytes, parseHeader } from './pages/header.js'
import { fill, readAt } from './pages/open-file.js'
import type { OpenFile } from './pages/open-file.js'
import { readWal } from './pages/wal.js'
import type { WalOverlay } from './pages/wal.js'
import { malformed } from './pages/unreadable.js'

/** A database that was copied: a file in rollback format that needs no sidecar. */
export interface CopiedDatabase {
  readonly sha256: string
  readonly bytes: number
  readonly pageSize: number
}

/** What is still to be copied once a copy was begun: all pages but those that are there already. */
export interface RestOfPages {
  readonly pageSize: number
  readonly pageCount: number
  /** Numbers of the pages that the copy has. */
  readonly copied: ReadonlySet<number>
  /** Which file it is, whatever its name is by now: device and inode. */
  readonly file: string
}

export interface PageCopy {
  readonly rest: RestOfPages
  /** Copies the rest. The copy is not yet durable. */
  finish(signal?: AbortSignal): Promise<CopiedDatabase>
  /** Closes the copy where it is; `finish` does so too. Safe to call twice. */
  close(): void
}

const chunkBytes = 1 << 20

/**
 * Copies a database page by page, each from where SQLite finds it, without SQLite: one pass over the file, digested on
 * the way, and the same bytes whenever the content is the same. The caller holds it still: a write lock while this is
 * called, which takes what stands in the log; then, until `finish` is done, a read transaction is enough, since no
 * checkpoint goes past a reader (https://sqlite.org/wal.html#concurrency). No hot journal may be there, which an open
 * transaction sees to. Never in a worker thread (protocol 1).
 *
 * @param to a path where nothing is; the copy is 0600
 */
export function beginCopy(path: string, to: string): PageCopy {
  const main = pin(path)
  if (main === null) throw Object.assign(new Error(`ENOENT: ${path}`), { code: 'ENOENT', path })
  const target = disk.open(to, 'wx+', 0o600)
  let isOpen = true
  const close = (): void => {
    if (isOpen) disk.close(target)
    isOpen = false
  }
  try {
    const log = takeLog(`${path}-wal`, target)
    const { pageSize, pageCount } = sizeOf(main, log, target)
    const rest = { pageSize, pageCount, copied: new Set(log?.offsets.keys()), file: fileOf(main.fd) }
    const finish = async (signal?: AbortSignal): Promise<CopiedDatabase> => {
      try {
        return await copyRest(rest, { from: main.fd, to: target }, signal)
      } finally {
        close()
      }
    }
    return { rest, close, finish }
  } catch (error) {
    close()
    throw error
  }
}

export function fileOf(fd: number): string {
  const { dev, ino } = disk.fstat(fd)
  return `${dev}:${ino}`
}

/** Writes the log's newest pages to their places in the copy: once writers go on, the log may be written anew. */
function takeLog(path: string, target: number): WalOverlay | null {
  let fd: number
  try {
    fd = openPlainFile(path)
  } catch (error) {
    if (isAbsent(error)) return null
    throw error
  }
  try {
    const file: OpenFile = { fd, size: Number(disk.fstat(fd).size) }
    const log = file.size === 0 ? null : readWal(file)
    if (log === null) return null
    for (const [page, offset] of log.offsets) {
      if (page > log.pageCount) continue
      const bytes = readAt(file, offset, log.pageSize)
      if (bytes.length < log.pageSize) throw malformed('the -wal ends inside a page')
      writeAt(target, bytes, (page - 1) * log.pageSize)
    }
    return log
  } finally {
    disk.close(fd)
  }
}

function sizeOf(main: OpenFile, log: WalOverlay | null, target: number): { pageSize: number; pageCount: number } {
  const bytes = Buffer.alloc(headerBytes)
  const length = fill(log?.offsets.has(1) ? target : main.fd, bytes, 0)
  const header = parseHeader(bytes.subarray(0, length))
  const { pageSize } = header
  if (log !== null && log.pageSize !== pageSize) throw malformed('the -wal has pages of another size')
  const pageCount = log?.pageCount ?? header.pageCount ?? Math.ceil(main.size / pageSize)
  for (let page = Math.floor(main.size / pageSize) + 1; page <= pageCount; page++)
    if (log?.offsets.has(page) !== true) throw malformed('the file is shorter than its header says')
  return { pageSize, pageCount }
}

interface CopyEnds {
  readonly from: number
  readonly to: number
}

/** Copies what a begun copy does not have. It may have been tried before. */
export async function copyRest(
  { pageSize, pageCount, copied }: RestOfPages,
  { from, to }: CopyEnds,
  signal?: AbortSignal,
): Promise<CopiedDatabase> {
  const hash = createHash('sha256')
  const total = pageSize * pageCount
  // Page sizes are powers of two up to 64 KiB, so that a chunk has whole pages
  const buffer = Buffer.allocUnsafe(chunkBytes)
  for (let at = 0; at < total; at += chunkBytes) {
    await breathe(signal)
    const chunk = buffer.subarray(0, Math.min(chunkBytes, total - at))
    chunk.fill(0, fill(from, chunk, at))
    for (let offset = 0; copied.size > 0 && offset < chunk.length; offset += pageSize)
      if (copied.has((at + offset) / pageSize + 1)) fill(to, chunk.subarray(offset, offset + pageSize), at + offset)
    if (at === 0) chunk.fill(1, 18, 20)
    hash.update(chunk)
    writeAt(to, chunk, at)
  }
  return { sha256: hash.digest('hex'), bytes: total, pageSize }
}

function writeAt(fd: number, bytes: Buffer, position: number): void {
  for (let done = 0; done < bytes.length;) done += disk.write(fd, bytes, done, bytes.length - done, position + done)
}
