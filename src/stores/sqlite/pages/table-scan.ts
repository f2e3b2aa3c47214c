import type { Pages } from './pages.js'
import { malformed } from './unreadable.js'
import { readSize, readVarint } from './varint.js'

export interface StoredRow {
  readonly rowid: number | bigint
  /** The record, overflow pages and all. */
  readonly record: Buffer
}

/** SQLite's BTCURSOR_MAX_DEPTH. */
const deepest = 20
const interiorTable = 5
const leafTable = 13

/**
 * The rows of a table in the order of their rowids: "Database File Format" §1.6 (B-tree Pages). A page may be met only
 * once, and the cells of a page may not be larger than the page, so no file can make this endless or large.
 */
export function* scanTable(pages: Pages, root: number): Generator<StoredRow> {
  yield* scanPage(pages, root, new Set(), 0)
}

function* scanPage(pages: Pages, number: number, met: Set<number>, depth: number): Generator<StoredRow> {
  if (depth > deepest) throw malformed(`the tree above page ${number} is too deep`)
  const page = meet(pages, number, met)
  const header = number === 1 ? 100 : 0
  const type = page.readUInt8(header)
  if (type !== interiorTable && type !== leafTable) throw malformed(`page ${number} belongs to no table`)
  const cellsAt = header + (type === leafTable ? 8 : 12)
  const { usableSize } = pages.header
  const cells = page.readUInt16BE(header + 3)
  const contentAt = cellsAt + 2 * cells
  if (contentAt > usableSize) throw malformed(`page ${number} has more cells than room`)
  if (cells === 0 && depth > 0) throw malformed(`page ${number} is empty in the midst of a tree`)
  let used = 0
  for (let i = 0; i < cells; i++) {
    const at = page.readUInt16BE(cellsAt + 2 * i)
    if (at < contentAt || at + 4 > usableSize) throw malformed(`page ${number} has a cell outside its content`)
    if (type === interiorTable) {
      yield* scanPage(pages, page.readUInt32BE(at), met, depth + 1)
      continue
    }
    const { row, length } = readCell(pages, page, at, met)
    used += length
    if (used > usableSize) throw malformed(`page ${number} has cells that overlap`)
    yield row
  }
  if (type === interiorTable) yield* scanPage(pages, page.readUInt32BE(header + 8), met, depth + 1)
}

/** A cell of a table's leaf: the record's length, the rowid, the record's beginning, and where it goes on (§1.6). */
function readCell(pages: Pages, page: Buffer, at: number, met: Set<number>): { row: StoredRow; length: number } {
  const { usableSize } = pages.header
  const { value: total, next } = readSize(page, at)
  const { value: rowid, next: start } = readVarint(page, next)
  if (total > pages.count * usableSize) throw malformed('a record is longer than its file')
  const local = localBytes(total, usableSize)
  const end = start + local
  if (end + (local < total ? 4 : 0) > usableSize) throw malformed('a record reaches past the end of its page')
  const beginning = page.subarray(start, end)
  const record = local === total ? beginning : withOverflow(pages, beginning, page.readUInt32BE(end), total, met)
  return { row: { rowid, record }, length: end - at }
}

/** How much of a record stands in the leaf; §1.6, with X, M and K as they are called there. */
function localBytes(total: number, usableSize: number): number {
  const x = usableSize - 35
  if (total <= x) return total
  const m = Math.floor(((usableSize - 12) * 32) / 255) - 23
  const k = m + ((total - m) % (usableSize - 4))
  return k <= x ? k : m
}

/** §1.7 (Cell Payload Overflow Pages). */
function withOverflow(pages: Pages, beginning: Buffer, first: number, total: number, met: Set<number>): Buffer {
  const parts = [beginning]
  let missing = total - beginning.length
  for (let number = first; missing > 0;) {
    const page = meet(pages, number, met)
    const take = Math.min(missing, pages.header.usableSize - 4)
    parts.push(page.subarray(4, 4 + take))
    missing -= take
    number = page.readUInt32BE(0)
  }
  return Buffer.concat(parts, total)
}

function meet(pages: Pages, number: number, met: Set<number>): Buffer {
  if (met.has(number)) throw malformed(`page ${number} is used twice`)
  met.add(number)
  return pages.page(number)
}
