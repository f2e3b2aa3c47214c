import type { DatabaseHeader } from './header.js'
import { headerBytes, pageSizeIn, parseHeader } from './header.js'
import { isJournalOfNewDatabase, type JournalOverlay, readJournal } from './journal.js'
import { fill, type OpenFile, readAt } from './open-file.js'
import { lockBytePage } from './page-size.js'
import { malformed, Unreadable } from './unreadable.js'
import { readWal, type WalOverlay } from './wal.js'

/** A database file and what stands beside it; null where there is none. */
export interface DatabaseFiles {
  readonly main: OpenFile
  readonly wal: OpenFile | null
  readonly journal: OpenFile | null
}

/** More than any schema and marker take; a file that wants more is hostile or not what its name says. */
const mostBytes = 64 << 20

/** The pages of a database as they are after its last commit, whatever file each stands in. */
export class Pages {
  readonly header: DatabaseHeader
  /** Pages are numbered from 1 to this. */
  readonly count: number
  /** Whether the next program that opens the database rolls a transaction back. */
  readonly isHot: boolean
  /** Every page that was asked for: with equal ones, two readings have seen the same. */
  readonly seen = new Map<number, Buffer>()
  readonly #files: DatabaseFiles
  readonly #wal: WalOverlay | null
  readonly #journal: JournalOverlay | null
  /** Bytes of the main file that belong to the database. */
  readonly #mainSize: number

  /** Null when the database has no page: the transaction that was to make it did not commit. */
  static open(files: DatabaseFiles): Pages | null {
    const { main, wal, journal } = files
    const stored = journal === null ? 0 : pageSizeIn(readAt(main, 0, headerBytes))
    const originals = journal === null ? null : readJournal(journal, stored)
    const isNew = main.size === 0 && journal !== null && isJournalOfNewDatabase(journal)
    if (isNew || originals?.pageCount === 0) {
      if (wal !== null && wal.size > 0) throw new Unreadable('sidecar', 'a -wal stands beside a database without pages')
      return null
    }
    if (main.size === 0)
      throw new Unreadable('sidecar', 'the file is empty, but a -wal or -journal with content stands beside it')
    return new Pages(files, originals, wal === null ? null : readWal(wal))
  }

  private constructor(files: DatabaseFiles, journal: JournalOverlay | null, wal: WalOverlay | null) {
    this.#files = files
    this.#journal = journal
    this.#wal = wal
    this.isHot = journal !== null
    this.#mainSize =
      journal === null ? files.main.size : Math.min(files.main.size, journal.pageCount * journal.pageSize)
    this.header = parseHeader(this.#bytesOf(1, 0, headerBytes))
    const { pageSize, pageCount } = this.header
    if (wal !== null && wal.pageSize !== pageSize) throw malformed('the -wal has pages of another size')
    if (journal !== null && journal.pageSize !== pageSize) throw malformed('the -journal has pages of another size')
    const inFile = wal?.pageCount ?? journal?.pageCount ?? Math.ceil(files.main.size / pageSize)
    if (pageCount !== null && pageCount > inFile) throw malformed('the file is shorter than its header says')
    this.count = pageCount ?? inFile
  }

  /** The whole page, zeros where the file ends inside it. Not to be changed. */
  page(number: number): Buffer {
    const known = this.seen.get(number)
    if (known !== undefined) return known
    const { pageSize } = this.header
    if (number < 1 || number > this.count || number === lockBytePage(pageSize)) {
      throw malformed(`page ${number} is pointed at and cannot be`)
    }
    if ((this.seen.size + 1) * pageSize > mostBytes) {
      throw new Unreadable('unsupported', 'the schema and marker are larger than any that moult writes')
    }
    const bytes = this.#bytesOf(number, (number - 1) * pageSize, pageSize)
    this.seen.set(number, bytes)
    return bytes
  }

  /**
   * The first bytes of a page, from where SQLite finds it: it rolls a hot journal back before it opens the -wal, so
   * frames go before originals, and originals before the file.
   */
  #bytesOf(number: number, position: number, length: number): Buffer {
    const bytes = Buffer.alloc(length)
    const { main, wal, journal } = this.#files
    const frame = this.#wal?.offsets.get(number)
    const original = this.#journal?.offsets.get(number)
    if (wal !== null && frame !== undefined) fill(wal.fd, bytes, frame)
    else if (journal !== null && original !== undefined) fill(journal.fd, bytes, original)
    else fill(main.fd, bytes.subarray(0, Math.max(0, Math.min(length, this.#mainSize - position))), position)
    return bytes
  }
}
