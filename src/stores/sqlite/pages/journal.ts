import { FileWindow } from './file-window.js'
import { journalMagic } from './journal-magic.js'
import type { OpenFile } from './open-file.js'
import { isPageSize, lockBytePage } from './page-size.js'
import { isSuperJournalGone } from './super-journal.js'

/** What a rollback journal would put back. */
export interface JournalOverlay {
  readonly pageSize: number
  /** Pages of the database before the transaction; what lies beyond does not exist. 0: there was no database. */
  readonly pageCount: number
  /** Page number → where in the -journal its original content is. */
  readonly offsets: ReadonlyMap<number, number>
}

/** How far apart SQLite looks for the first header, on disks that write sectors safely (its default). */
const firstSector = 512

/**
 * The database as it was before the transaction that left this journal: "Database File Format" §3 (The Rollback
 * Journal), to the letter of `pager_playback`, `readJournalHdr` and `pager_playback_one_page` in SQLite's pager.c.
 * Null when there is nothing to put back: an empty journal (TRUNCATE), one whose header is zeroed (PERSIST), no valid
 * header, or one of a commit over several databases that is decided because its super-journal is gone.
 *
 * SQLite doesn't call a journal hot while somebody holds the RESERVED lock: then its transaction is running. This
 * reader looks at no lock and needn't: the database file may hold pages of that transaction, and the originals in the
 * journal are what is committed, whether the transaction is dead or alive.
 *
 * @param databasePageSize used for journals older than 3.5.8, which don't name theirs
 */
export function readJournal(file: OpenFile, databasePageSize: number): JournalOverlay | null {
  if (file.size < firstSector) return null
  const window = new FileWindow(file)
  const first = window.view(0, 28)
  if (first === null || !isHeader(first) || isSuperJournalGone(file)) return null
  const pageCount = first.readUInt32BE(16)
  const sectorSize = first.readUInt32BE(20)
  const pageSize = first.readUInt32BE(24) || databasePageSize
  // Written by a process that died before it synced the header, and so before it touched the database.
  if (!isPageSize(pageSize) || !isSectorSize(sectorSize)) return null

  const offsets = new Map<number, number>()
  const recordBytes = pageSize + 8
  const lockPage = lockBytePage(pageSize)
  let headerAt = 0
  while (headerAt === 0 || headerAt + sectorSize <= window.size) {
    const header = window.view(headerAt, 28)
    if (header === null || !isHeader(header)) break
    let records = header.readUInt32BE(8)
    // The journal of a connection with synchronous=OFF; 0 on the other hand means none, though some may follow: they
    // were not synced, so their pages were not overwritten yet.
    if (records === 0xffffffff) records = Math.floor((window.size - sectorSize) / recordBytes)
    const nonce = header.readUInt32BE(12)
    let at = headerAt + sectorSize
    for (let i = 0; i < records; i++, at += recordBytes) {
      const record = window.view(at, recordBytes)
      if (record === null) return { pageSize, pageCount, offsets }
      const page = record.readUInt32BE(0)
      if (page === 0 || page === lockPage) return { pageSize, pageCount, offsets }
      if (page > pageCount) continue
      if (journalSum(record, pageSize, nonce) !== record.readUInt32BE(4 + pageSize))
        return { pageSize, pageCount, offsets }
      offsets.set(page, at + 4)
    }
    headerAt = Math.ceil(at / sectorSize) * sectorSize
  }
  return { pageSize, pageCount, offsets }
}

/**
 * Whether a journal beside an empty file is that of the transaction which was to fill it. SQLite writes the header
 * without its first 12 bytes and adds them with the sync that allows it to touch the database; a journal that is
 * finished with (PERSIST) has 28 zeros instead.
 */
export function isJournalOfNewDatabase(file: OpenFile): boolean {
  const header = new FileWindow(file).view(0, 28)
  if (header === null || header.subarray(0, 12).some((byte) => byte !== 0)) return false
  const pageCount = header.readUInt32BE(16)
  return pageCount === 0 && isSectorSize(header.readUInt32BE(20)) && isPageSize(header.readUInt32BE(24))
}

function isSectorSize(size: number): boolean {
  return size >= 32 && size <= 65536 && (size & (size - 1)) === 0
}

function isHeader(bytes: Buffer): boolean {
  return bytes.subarray(0, journalMagic.length).equals(journalMagic)
}

/** `pager_cksum`: every 200th byte from the end, on top of the header's nonce. */
function journalSum(record: Buffer, pageSize: number, nonce: number): number {
  let sum = nonce
  for (let at = pageSize - 200; at > 0; at -= 200) sum = (sum + record.readUInt8(4 + at)) >>> 0
  return sum
}
