import { FileWindow } from './file-window.js'
import type { OpenFile } from './open-file.js'
import { isPageSize } from './page-size.js'
import { Unreadable } from './unreadable.js'
import { addToWalSum, type WalSum } from './wal-sum.js'

/** The committed part of a write-ahead log. */
export interface WalOverlay {
  readonly pageSize: number
  /** Pages of the database after the last commit. */
  readonly pageCount: number
  /** Page number → where in the -wal its newest committed content is. */
  readonly offsets: ReadonlyMap<number, number>
}

const walHeaderBytes = 32
const frameHeaderBytes = 24
const walMagic = 0x377f0682
const walVersion = 3007000

/**
 * "Database File Format" §4.1–4.3, as SQLite's `walIndexRecover` does it: a frame counts if its salts are those of the
 * header and the checksum over all frames up to it is right; it is committed if a commit frame follows or it is one.
 * The chain of checksums makes it necessary to read all of the file. Null when nothing in it is committed.
 *
 * SQLite with the database open goes by its -shm instead; the two differ only by a commit that is written but not yet
 * announced, which a crash at this moment would make part of the database too.
 */
export function readWal(file: OpenFile): WalOverlay | null {
  const window = new FileWindow(file)
  const header = window.view(0, walHeaderBytes)
  if (header === null) return null
  const magic = header.readUInt32BE(0)
  const pageSize = header.readUInt32BE(8)
  if ((magic & ~1) !== walMagic || !isPageSize(pageSize)) return null
  const sum: WalSum = { first: 0, second: 0, littleEndian: (magic & 1) === 0 }
  addToWalSum(sum, header, 0, 24)
  if (!isSum(sum, header, 24)) return null
  if (header.readUInt32BE(4) !== walVersion) throw new Unreadable('unsupported', 'the -wal is of an unknown version')
  const salt1 = header.readUInt32BE(16)
  const salt2 = header.readUInt32BE(20)

  const offsets = new Map<number, number>()
  let uncommitted: { page: number; offset: number }[] = []
  let pageCount = 0
  for (let at = walHeaderBytes; ; at += frameHeaderBytes + pageSize) {
    const frame = window.view(at, frameHeaderBytes + pageSize)
    if (frame === null) break
    if (frame.readUInt32BE(8) !== salt1 || frame.readUInt32BE(12) !== salt2) break
    const page = frame.readUInt32BE(0)
    if (page === 0) break
    addToWalSum(sum, frame, 0, 8)
    addToWalSum(sum, frame, frameHeaderBytes, frame.length)
    if (!isSum(sum, frame, 16)) break
    uncommitted.push({ page, offset: at + frameHeaderBytes })
    const sizeAfterCommit = frame.readUInt32BE(4)
    if (sizeAfterCommit === 0) continue
    for (const written of uncommitted) offsets.set(written.page, written.offset)
    uncommitted = []
    pageCount = sizeAfterCommit
  }
  return pageCount === 0 ? null : { pageSize, pageCount, offsets }
}

function isSum(sum: WalSum, bytes: Buffer, at: number): boolean {
  return sum.first >>> 0 === bytes.readUInt32BE(at) && sum.second >>> 0 === bytes.readUInt32BE(at + 4)
}
