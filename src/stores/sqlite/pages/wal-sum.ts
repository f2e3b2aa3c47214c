/** A running checksum of a write-ahead log; two 32-bit words that wrap around. */
export interface WalSum {
  first: number
  second: number
  /** How the summed words are to be read; the log's magic number says it. */
  readonly littleEndian: boolean
}

/** "Database File Format" §4.2 (Checksum Algorithm). The length must be a multiple of 8. */
export function addToWalSum(sum: WalSum, bytes: Buffer, from: number, to: number): void {
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const { littleEndian } = sum
  let first = sum.first
  let second = sum.second
  for (let at = from; at < to; at += 8) {
    first = (first + words.getInt32(at, littleEndian) + second) | 0
    second = (second + words.getInt32(at + 4, littleEndian) + first) | 0
  }
  sum.first = first
  sum.second = second
}
