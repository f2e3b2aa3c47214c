import type { NewerPolicy } from './policy.js'

const namePattern = /^[\p{L}\p{N}_][\p{L}\p{N}._-]{0,99}$/u
const newerPolicies: readonly unknown[] = ['floor', 'refuse', 'continue']

/** Throws a TypeError unless a store can have this name; it also names folders in backups. */
export function checkStoreName(kind: string, name: unknown): void {
  if (typeof name === 'string' && namePattern.test(name)) return
  throw new TypeError(
    `${kind}: '${String(name)}' is no name for a store; use letters, digits, '.', '_' and '-', at most 100, not starting with '.' or '-'`,
  )
}

/** Throws a TypeError for an option that is not one. */
export function checkOptionNames(owner: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) throw new TypeError(`${owner}: its options are missing`)
  const stray = Object.keys(options).find((key) => !known.includes(key))
  if (stray !== undefined) throw new TypeError(`${owner}: unknown option '${stray}'; known are ${known.join(', ')}`)
}

/** Throws a TypeError for what adopt cannot take, and where it was said before. */
export function checkAdopt(owner: string, before: number | null, how: unknown): void {
  if (how !== 'oldest' && (typeof how !== 'object' || how === null || !('at' in how)))
    throw new TypeError(`${owner}: adopt takes 'oldest' or { at: … }`)
  if (before !== null) throw new TypeError(`${owner}: adopt is said twice; data without a marker is of one version`)
}

/** The store's own policy; null if it has none. */
export function checkNewerPolicy(owner: string, given: unknown): NewerPolicy | null {
  if (given === undefined) return null
  if (!newerPolicies.includes(given))
    throw new TypeError(`${owner}: onNewer is 'floor', 'refuse' or 'continue', not ${JSON.stringify(given)}`)
  return given as NewerPolicy
}
