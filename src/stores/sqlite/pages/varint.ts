import { malformed } from './unreadable.js'

export interface Varint {
  /** A signed 64-bit integer; a bigint only where a number cannot hold it exactly. */
  readonly value: number | bigint
  /** Where the next thing begins. */
  readonly next: number
}

/** "Database File Format" §1.6 (B-tree Pages): big-endian base 128, at most 9 bytes, the ninth with all its 8 bits. */
export function readVarint(bytes: Uint8Array, at: number): Varint {
  let small = 0
  for (let i = 0; i < 7; i++) {
    const byte = byteAt(bytes, at + i)
    small = small * 128 + (byte & 0x7f)
    if (byte < 0x80) return { value: small, next: at + i + 1 }
  }
  const eighth = byteAt(bytes, at + 7)
  const big = (BigInt(small) << 7n) | BigInt(eighth & 0x7f)
  if (eighth < 0x80) return { value: toSqlInteger(big), next: at + 8 }
  return { value: toSqlInteger((big << 8n) | BigInt(byteAt(bytes, at + 8))), next: at + 9 }
}

/** A varint that counts bytes: what no number can hold is no size. */
export function readSize(bytes: Uint8Array, at: number): { readonly value: number; readonly next: number } {
  const { value, next } = readVarint(bytes, at)
  if (typeof value !== 'number' || value < 0) throw malformed('a length is larger than any file')
  return { value, next }
}

/** The low 64 bits as SQLite sees them. */
export function toSqlInteger(value: bigint): number | bigint {
  const signed = BigInt.asIntN(64, value)
  const small = Number(signed)
  return Number.isSafeInteger(small) ? small : signed
}

function byteAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at]
  if (byte === undefined) throw malformed('a number reaches past the end of its page or record')
  return byte
}
