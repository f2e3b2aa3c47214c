import type { Row, SqlValue } from '../model/driver.js'

/** A row as every driver gives it: a plain object, integers as numbers where a number holds them, blobs not Buffers. */
export function plainRow(raw: Readonly<Record<string, unknown>>): Row {
  const row: Record<string, SqlValue> = { ...(raw as Row) }
  for (const name in row) {
    const value = row[name]!
    if (typeof value === 'bigint') {
      const number = Number(value)
      if (Number.isSafeInteger(number)) row[name] = number
    } else if (Buffer.isBuffer(value)) row[name] = new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
  }
  return row
}

/**
 * An object keeps one value a name, and the libraries drop the others unasked; one drops `__proto__` as well.
 *
 * @throws TypeError naming the column that would be lost.
 */
export function refuseLostColumns(columns: readonly string[]): void {
  const twin = columns.find((name, index) => columns.indexOf(name) !== index)
  if (twin !== undefined)
    throw new TypeError(`the result has two columns named ${twin}; name one of them otherwise with AS`)
  if (columns.includes('__proto__'))
    throw new TypeError('the result has a column named __proto__; name it otherwise with AS')
}
