/** One line of a file, as bytes. */
export interface ByteLine {
  /** From 1. */
  readonly number: number
  /** Without its line end. */
  readonly bytes: Uint8Array
  /** '' only for a last line that was not ended: written that way, or torn. */
  readonly end: '\n' | '\r\n' | ''
}

const feed = 0x0a
const carriageReturn = 0x0d

/**
 * Splits a stream of bytes into lines, holding no more than one line and one piece. UTF-8 can be split so: no other
 * character has the byte of a line feed in it.
 */
export function* readLines(pieces: Iterable<Buffer>): Generator<ByteLine, void, undefined> {
  let number = 0
  let rest: Buffer[] = []
  const joined = (last: Buffer): Buffer => {
    if (rest.length === 0) return last
    const whole = Buffer.concat([...rest, last])
    rest = []
    return whole
  }
  for (const piece of pieces) {
    let from = 0
    for (let at = piece.indexOf(feed); at !== -1; at = piece.indexOf(feed, from)) {
      const line = joined(piece.subarray(from, at))
      from = at + 1
      number += 1
      const isPair = line.length > 0 && line[line.length - 1] === carriageReturn
      yield { number, bytes: isPair ? line.subarray(0, -1) : line, end: isPair ? '\r\n' : '\n' }
    }
    if (from < piece.length) rest.push(piece.subarray(from))
  }
  if (rest.length > 0) yield { number: number + 1, bytes: joined(Buffer.alloc(0)), end: '' }
}
