import { isUint8Array } from 'node:util/types'
import type { SqlValue } from '../model/driver.js'

const minInteger = -(2n ** 63n)
const maxInteger = 2n ** 63n - 1n

/**
 * The values as both libraries bind them. A whole number is bound as an INTEGER: the libraries would bind every number
 * as a REAL, and a 5 that was read from a column without a type would be written back as 5.0.
 *
 * @throws TypeError naming the position of a value that SQLite has no type for, or of a wrong number of values.
 */
export function bindable(params: readonly SqlValue[], expected: number): SqlValue[] {
  if (params.length !== expected)
    throw new TypeError(`the statement has ${expected} placeholder(s) but got ${params.length} value(s)`)
  return params.map((value, index) => {
    const problem = problemWith(value)
    if (problem !== null) throw new TypeError(`value ${index + 1} of the statement ${problem}`)
    return Number.isSafeInteger(value) && !Object.is(value, -0) ? BigInt(value as number) : value
  })
}

function problemWith(value: unknown): string | null {
  if (value === null || typeof value === 'string') return null
  if (typeof value === 'number') return Number.isNaN(value) ? 'is NaN, which SQLite would store as NULL' : null
  if (typeof value === 'bigint') return value < minInteger || value > maxInteger ? 'does not fit into 64 bits' : null
  if (isUint8Array(value)) return null
  if (value === undefined) return 'is undefined: write null for NULL'
  if (typeof value === 'boolean') return 'is a boolean: write 1 or 0'
  if (Array.isArray(value)) return 'is an array: write JSON.stringify(…), or give the values one by one'
  return typeof value === 'object' ? 'is an object: write JSON.stringify(…)' : `is a ${typeof value}`
}
