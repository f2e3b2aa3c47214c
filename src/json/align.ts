import { isPlainObject } from './members.js'

/** Element `source` of an array became element `result`. */
export interface Pair {
  readonly source: number
  readonly result: number
}

type PairElements = (before: readonly unknown[], after: readonly unknown[]) => Pair[]

/**
 * Pairs the elements of a changed array, in ascending order on both sides; what is in no pair was removed or added.
 * Equal elements first (of equal ones the n-th with the n-th), as many as keep their order; between those the objects
 * that a member identifies; between those one by one from the front.
 *
 * O(n log n) after one pass over the elements. Where equal elements do not repeat, no alignment keeps more of them;
 * where they do, more text than needed may be rewritten, never to something else.
 */
export function alignElements(before: readonly unknown[], after: readonly unknown[]): Pair[] {
  return pairAndFill(before, after, pairEqual, (left, right) => pairAndFill(left, right, pairIdentified, pairOneByOne))
}

/** The pairs that `pair` finds, and those that `fill` finds between them. */
function pairAndFill(
  before: readonly unknown[],
  after: readonly unknown[],
  pair: PairElements,
  fill: PairElements,
): Pair[] {
  const pairs: Pair[] = []
  let source = 0
  let result = 0
  for (const found of [...pair(before, after), { source: before.length, result: after.length }]) {
    if (found.source > source && found.result > result) {
      for (const inner of fill(before.slice(source, found.source), after.slice(result, found.result))) {
        pairs.push({ source: inner.source + source, result: inner.result + result })
      }
    }
    if (found.source < before.length) pairs.push(found)
    source = found.source + 1
    result = found.result + 1
  }
  return pairs
}

function pairEqual(before: readonly unknown[], after: readonly unknown[]): Pair[] {
  return pairByKey(before.map(hintOf), after.map(hintOf))
}

function pairIdentified(before: readonly unknown[], after: readonly unknown[]): Pair[] {
  const identity = identifyingKey(before, after)
  if (identity === null) return []
  const idOf = (element: unknown): unknown => (element as Record<string, unknown>)[identity]
  return pairByKey(before.map(idOf), after.map(idOf))
}

function pairOneByOne(before: readonly unknown[], after: readonly unknown[]): Pair[] {
  return Array.from({ length: Math.min(before.length, after.length) }, (_, index) => ({ source: index, result: index }))
}

/** The member with another text or number in each element of a side, and the most of them found on both. */
function identifyingKey(before: readonly unknown[], after: readonly unknown[]): string | null {
  const [sample] = before
  if (!isPlainObject(sample)) return null
  let best: string | null = null
  let most = 0
  for (const key of Object.keys(sample)) {
    const theirs = distinctValues(before, key)
    const ours = theirs === null ? null : distinctValues(after, key)
    if (theirs === null || ours === null) continue
    let shared = 0
    for (const value of ours) if (theirs.has(value)) shared++
    if (shared <= most) continue
    best = key
    most = shared
  }
  return best
}

function distinctValues(elements: readonly unknown[], key: string): Set<unknown> | null {
  const values = new Set<unknown>()
  for (const element of elements) {
    const value = isPlainObject(element) && Object.hasOwn(element, key) ? element[key] : undefined
    if ((typeof value !== 'string' && typeof value !== 'number') || values.has(value)) return null
    values.add(value)
  }
  return values
}

/** Pairs positions with the same key, the n-th with the n-th, and keeps the longest run that rises on both sides. */
function pairByKey(before: readonly unknown[], after: readonly unknown[]): Pair[] {
  const places = new Map<unknown, number[]>()
  after.forEach((key, index) => {
    const known = places.get(key)
    if (known === undefined) places.set(key, [index])
    else known.push(index)
  })
  const used = new Map<unknown, number>()
  const pairs: Pair[] = []
  before.forEach((key, source) => {
    const nth = used.get(key) ?? 0
    const result = key === undefined ? undefined : places.get(key)?.[nth]
    used.set(key, nth + 1)
    if (result !== undefined) pairs.push({ source, result })
  })
  return longestRising(pairs)
}

/** Patience sorting: the last pair of the best chain of each length, and for each pair the one before it. */
function longestRising(pairs: readonly Pair[]): Pair[] {
  const ends: number[] = []
  const previous: number[] = []
  pairs.forEach((pair, index) => {
    let low = 0
    let high = ends.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (pairs[ends[middle]!]!.result < pair.result) low = middle + 1
      else high = middle
    }
    previous.push(low === 0 ? -1 : ends[low - 1]!)
    ends[low] = index
  })
  const chain: Pair[] = []
  for (let index = ends.at(-1) ?? -1; index !== -1; index = previous[index]!) chain.push(pairs[index]!)
  return chain.reverse()
}

/**
 * One text for equal values with the same order of keys. Only a hint: what is paired is compared again where it is
 * rewritten, and what JSON cannot hold is refused there.
 */
function hintOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? ''
  } catch {
    return ''
  }
}
