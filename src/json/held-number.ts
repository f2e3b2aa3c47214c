/**
 * Whether JavaScript holds the number that a JSON text denotes: the decimal it writes for `Number(text)` (the shortest
 * that reads back as the same double) denotes exactly the same number. Text that differs only in form is held.
 *
 * Held: 1.0, 1e3, 1.10, 0.1, -0, 0e999, 9007199254740992, 12345678901234567000, everything JavaScript itself writes,
 * everything with at most 15 significant digits between 1e-290 and 1e290.
 * Not held: 9007199254740993, 12345678901234567890, 0.1000000000000000055511151231257827, 1e400, 1e-400, and 2^70
 * written out: its double is exact, but JavaScript would write another number for it.
 */
export function isHeldNumber(text: string): boolean {
  const read = Number(text)
  if (!Number.isFinite(read)) return false
  const written = decimalOf(text)
  // 1e-400 reads as 0.
  if (read === 0) return written.digits === ''
  const held = decimalOf(String(read))
  return written.digits === held.digits && written.exponent === held.exponent
}

/** Digits without zeros at either end, and the power of ten of the last one. The sign never changes in reading. */
function decimalOf(text: string): { digits: string; exponent: number } {
  const start = text.charCodeAt(0) === 0x2d ? 1 : 0
  const marked = text.search(/[eE]/)
  const mantissaEnd = marked === -1 ? text.length : marked
  const point = text.indexOf('.')
  const all =
    point === -1 ? text.slice(start, mantissaEnd) : text.slice(start, point) + text.slice(point + 1, mantissaEnd)

  // Loops: a pattern such as /0+$/ takes quadratic time on a megabyte of zeros.
  let first = 0
  while (first < all.length && all.charCodeAt(first) === 0x30) first++
  let last = all.length
  while (last > first && all.charCodeAt(last - 1) === 0x30) last--

  const stated = marked === -1 ? 0 : Number(text.slice(marked + 1))
  const decimals = point === -1 ? 0 : mantissaEnd - point - 1
  return { digits: all.slice(first, last), exponent: stated - decimals + (all.length - last) }
}
