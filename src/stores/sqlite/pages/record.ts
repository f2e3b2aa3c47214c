import type { SqlValue } from '../../../model/driver.js'
import type { TextEncoding } from './header.js'
import { malformed } from './unreadable.js'
import { readSize, toSqlInteger } from './varint.js'

/** Bytes of the values of serial types 0 to 9. */
const fixedBytes = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0] as const

/** "Database File Format" §2.1 (Record Format). It may hold fewer values than the table has columns now. */
export function decodeRecord(record: Buffer, encoding: TextEncoding): SqlValue[] {
  const { value: headerLength, next } = readSize(record, 0)
  if (headerLength > record.length) throw malformed('the header of a record is longer than the record')
  const values: SqlValue[] = []
  let at = headerLength
  for (let typeAt = next; typeAt < headerLength;) {
    const type = readSize(record, typeAt)
    typeAt = type.next
    if (typeAt > headerLength) throw malformed('the header of a record ends inside a type')
    const length = lengthOf(type.value)
    if (at + length > record.length) throw malformed('a value reaches past the end of its record')
    values.push(decodeValue(type.value, record.subarray(at, at + length), encoding))
    at += length
  }
  return values
}

function lengthOf(type: number): number {
  if (type >= 12) return Math.floor((type - 12) / 2)
  const length = fixedBytes[type]
  if (length === undefined) throw malformed('a record has a value of a reserved type')
  return length
}

function decodeValue(type: number, bytes: Buffer, encoding: TextEncoding): SqlValue {
  switch (type) {
    case 0:
      return null
    case 6:
      return toSqlInteger(bytes.readBigInt64BE(0))
    case 7: {
      const real = bytes.readDoubleBE(0)
      return Number.isNaN(real) ? null : real
    }
    case 8:
    case 9:
      return type - 8
    default:
      if (type < 12) return bytes.readIntBE(0, bytes.length)
      // A copy: the page it stands in is shared by all that is read from it.
      return type % 2 === 0 ? Uint8Array.from(bytes) : decodeText(bytes, encoding)
  }
}

function decodeText(bytes: Buffer, encoding: TextEncoding): string {
  if (encoding === 'utf8') return bytes.toString('utf8')
  const whole = bytes.subarray(0, bytes.length - (bytes.length % 2))
  return (encoding === 'utf16le' ? whole : Buffer.from(whole).swap16()).toString('utf16le')
}
