import type { SqlValue } from '../model/driver.js'
import { MoultFailure } from '../model/errors.js'

interface Database {
  prepare(sql: string): Statement
}

interface Statement {
  setReadBigInts(on: boolean): void
  get(...values: readonly SqlValue[]): Readonly<Record<string, unknown>> | undefined
}

/** Throws before rows are read with these values, if one of them holds a text that would be cut off. */
export type NulGuard = (values: readonly SqlValue[]) => void

let isCut: boolean | undefined

/**
 * The node:sqlite of Node 22 reads a text only up to its first NUL character, without a word, and what a step then
 * writes back has lost the rest. There, the same query first asks SQLite whether any of its texts has one. That reads
 * twice; no other way tells a cut text from a whole one. Null where nothing is cut, or for what isn't a plain query.
 */
export function guardAgainstNul(database: Database, sql: string, columns: number, path: string): NulGuard | null {
  isCut ??= database.prepare('SELECT char(97, 0, 98) AS text').get()?.['text'] !== 'a\0b'
  if (!isCut || columns === 0) return null
  const names = Array.from({ length: columns }, (_, index) => `c${index}`)
  const tests = names.map((name) => `typeof(${name}) = 'text' AND instr(${name}, char(0)) > 0`)
  const query = sql.replace(/;\s*$/, '')
  let ask: Statement
  try {
    const source = `WITH moult_rows(${names.join(', ')}) AS (${query}\n)`
    ask = database.prepare(`${source} SELECT EXISTS (SELECT 1 FROM moult_rows WHERE ${tests.join(' OR ')}) AS found`)
  } catch {
    return null
  }
  return (values) => {
    if (ask.get(...values)?.['found'] === 0) return
    throw new MoultFailure('STORE_UNREADABLE', {
      message: `a text in ${path} holds a NUL character, and the node:sqlite of ${process.version} would cut it off there`,
      hint: 'Use Node 24.21 or later, or better-sqlite3: defineState({ driver: betterSqlite3(Database) }).',
      details: { path },
    })
  }
}
