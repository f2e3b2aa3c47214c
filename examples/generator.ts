/** Made-up data, the same in every run: no clock, no `Math.random`. */
export interface Generator {
  /** A whole number from `least` to `most`, both included. */
  int(least: number, most: number): number
  /** True in `percent` of 100 cases. */
  chance(percent: number): boolean
  pick<T>(list: readonly T[]): T
  /** Lower-case hexadecimal digits. */
  hex(digits: number): string
  /** A version 4 UUID. */
  uuid(): string
  /** A sentence of so many words, some of them with letters beyond ASCII, with a full stop. */
  sentence(words: number): string
  /** Between 1 January 2025 and 30 June 2026, in whole milliseconds. */
  date(): Date
}

const vocabulary = (
  'the agent remembers that Anna prefers tea over café au lait and asks for a short naïve summary before each release ' +
  'because São Paulo wakes up later than Zürich – 東京 is done by then 🐋 while tests of migration code run on every push'
).split(' ')

const firstDay = Date.UTC(2025, 0, 1)
const lastDay = Date.UTC(2026, 5, 30)

/** Mulberry32 (Tommy Ettinger, public domain): small, and good enough for text that nobody reads. */
export function generator(seed: number): Generator {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const int = (least: number, most: number): number => least + Math.floor(next() * (most - least + 1))
  const pick = <T>(list: readonly T[]): T => {
    const [first] = list
    if (first === undefined) throw new RangeError('there is nothing to pick from')
    return list[int(0, list.length - 1)] ?? first
  }
  const hex = (digits: number): string => Array.from({ length: digits }, () => int(0, 15).toString(16)).join('')
  return {
    int,
    pick,
    hex,
    chance: (percent) => next() * 100 < percent,
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-${pick(['8', '9', 'a', 'b'])}${hex(3)}-${hex(12)}`,
    sentence: (words) => `${Array.from({ length: words }, () => pick(vocabulary)).join(' ')}.`,
    date: () => new Date(int(firstDay, lastDay)),
  }
}
