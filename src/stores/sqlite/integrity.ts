import { SqliteFailure } from '../../drivers/sqlite-failure.js'
import type { Connection } from '../../model/driver.js'

/** What SQLite says of a database's pages, tables and indexes. */
export interface Integrity {
  /** Sentences; none if nothing is wrong. */
  readonly damage: readonly string[]
  /** What only the app has (a function, a collation), for want of which indexes were not compared with their tables. */
  readonly missing: string | null
}

/** `integrity_check`, or what of it can be done without what only the app has. */
export function checkIntegrity(connection: Connection, limit: number): Integrity {
  let missing: string | null = null
  for (const check of ['integrity_check', 'quick_check']) {
    try {
      const rows = connection.prepare(`PRAGMA ${check}(${limit})`).all([])
      return { damage: rows.map((row) => String(row[check])).filter((result) => result !== 'ok'), missing }
    } catch (error) {
      if (!isOfApp(error)) throw error
      missing = error.message
    }
  }
  return { damage: [], missing }
}

function isOfApp(error: unknown): error is SqliteFailure {
  return (
    error instanceof SqliteFailure &&
    /(?:unknown function|no such (?:function|collation sequence)): /i.test(error.message)
  )
}
