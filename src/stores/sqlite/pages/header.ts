import { isPageSize } from './page-size.js'
import { malformed, Unreadable } from './unreadable.js'

export type TextEncoding = 'utf8' | 'utf16le' | 'utf16be'

/** What page 1 says of the whole file: "Database File Format" §1.3 (The Database Header). */
export interface DatabaseHeader {
  readonly pageSize: number
  /** Page size less the bytes at each page's end that an extension keeps for itself. */
  readonly usableSize: number
  readonly isWal: boolean
  /** Pages in the file as its last writer counted them; null when a writer older than 3.7.0 came later (§1.3.7). */
  readonly pageCount: number | null
  readonly encoding: TextEncoding
  readonly userVersion: number
}

export const headerBytes = 100
const magic = Buffer.from('SQLite format 3\0', 'latin1')

/** §1.3.2; 0 when it is no size a page can have. */
export function pageSizeIn(header: Buffer): number {
  if (header.length < 18) return 0
  const stored = header.readUInt16BE(16)
  const size = stored === 1 ? 65536 : stored
  return isPageSize(size) ? size : 0
}

/** Refuses what SQLite's own `lockBtree` and `sqlite3InitOne` refuse. */
export function parseHeader(bytes: Buffer): DatabaseHeader {
  if (!bytes.subarray(0, magic.length).equals(magic)) {
    throw new Unreadable('no-magic', 'the file does not begin as a SQLite database does; it may be encrypted')
  }
  if (bytes.length < headerBytes) throw malformed('the file ends inside its header')
  const pageSize = pageSizeIn(bytes)
  if (pageSize === 0) throw malformed('the page size in the header is impossible')
  const readFormat = bytes.readUInt8(19)
  if (readFormat > 2) throw new Unreadable('unsupported', `the file format version ${readFormat} is unknown`)
  if (bytes.readUInt8(21) !== 64 || bytes.readUInt8(22) !== 32 || bytes.readUInt8(23) !== 32) {
    throw malformed('the payload fractions in the header are impossible')
  }
  const usableSize = pageSize - bytes.readUInt8(20)
  if (usableSize < 480) throw malformed('the reserved space in the header is impossible')
  const schemaFormat = bytes.readUInt32BE(44)
  if (schemaFormat > 4) throw new Unreadable('unsupported', `the schema format ${schemaFormat} is unknown`)
  const isCountValid = bytes.readUInt32BE(24) === bytes.readUInt32BE(92) && bytes.readUInt32BE(28) > 0
  return {
    pageSize,
    usableSize,
    isWal: readFormat === 2,
    pageCount: isCountValid ? bytes.readUInt32BE(28) : null,
    encoding: encodingOf(bytes.readUInt32BE(56)),
    userVersion: bytes.readInt32BE(60),
  }
}

/** §1.3.13. It is 0 in a database in which no table was made yet. */
function encodingOf(stored: number): TextEncoding {
  if (stored <= 1) return 'utf8'
  if (stored === 2) return 'utf16le'
  if (stored === 3) return 'utf16be'
  throw malformed('the text encoding in the header is unknown')
}
