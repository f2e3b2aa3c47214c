import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { countPlaceholders, isRestEmpty } from '#moult/drivers/placeholders.js'
import { loadBetterSqlite3 } from './available-drivers.js'

const Database = loadBetterSqlite3()
const skip = typeof Database === 'string' && Database

test('[P24] placeholders are counted as SQLite counts them: not in strings, names or comments', { skip }, () => {
  if (typeof Database === 'string') return
  const database = new Database(':memory:', {}) as {
    prepare(sql: string): { raw(on: boolean): { get(...values: unknown[]): unknown } }
  }
  const piece = fc.constantFrom(
    ...[
      '?',
      "'?'",
      "'it''s ?'",
      '"a?"',
      '`?`',
      '[?]',
      '/* ? */',
      '-- ?\n',
      'a1',
      'a$b',
      '1',
      "x'00'",
      '/*',
      '--',
      '(?)',
    ],
  )
  const check = (pieces: string[]) => {
    const sql = `WITH t("a?", "?", a1, a$b) AS (SELECT 1, 2, 3, 4) SELECT ${pieces.map((text) => `${text}\n`).join(',')} FROM t`
    let statement
    try {
      statement = database.prepare(sql)
    } catch {
      return
    }
    const count = countPlaceholders(sql)
    assert.doesNotThrow(() => statement.raw(true).get(...Array<number>(count).fill(1)), sql)
    assert.throws(() => statement.raw(true).get(...Array<number>(count + 1).fill(1)), RangeError, sql)
  }
  fc.assert(fc.property(fc.array(piece, { minLength: 1, maxLength: 6 }), check), {
    numRuns: 1000,
    examples: [[['?', '/* ? */ 1', '-- ?\n ?']], [["'it''s ?'", '"a?"', '?']], [['a$b', '?']], [['1', '/*']]],
  })
})

test('[P24] the rest of a text is empty only if it holds nothing but space, comments and semicolons', () => {
  for (const rest of ['', ' ; ', '-- a; b', '/* ; */ ;', '\n\t-- x\n ;;', '/* unended'])
    assert.equal(isRestEmpty(`SELECT 1${rest}`, 8), true, rest)
  for (const rest of ['; SELECT 2', ';-- a\nx', '/* */ x', ";''"])
    assert.equal(isRestEmpty(`SELECT 1${rest}`, 8), false, rest)
})
