import type { Connection } from '../../drivers/driver.js'
import { countPlaceholders } from '../../drivers/placeholders.js'

/**
 * The databases of the connection that a statement would write to, as SQLite numbers them: 0 main, 1 temp, 2 and on
 * attached. Asked of SQLite itself: EXPLAIN compiles the statement and runs none of it, and each program that writes
 * begins with a `Transaction` operation whose p1 is the database and p2 not 0 (https://sqlite.org/opcode.html). This
 * holds through views, triggers, virtual tables and RETURNING.
 *
 * The other ways were no ways: `PRAGMA query_only` is a setting of the connection that step and check share, and
 * `sqlite3_stmt_readonly` isn't in node:sqlite. PRAGMA statements must be judged before: some act when compiled.
 */
export function databasesWritten(connection: Connection, sql: string): readonly number[] {
  const nulls = Array.from({ length: countPlaceholders(sql) }, () => null)
  const operations = connection.prepare(`EXPLAIN ${sql}`).all(nulls)
  const databases = operations.flatMap(({ opcode, p1, p2 }) =>
    opcode === 'Transaction' && p2 !== 0 ? [Number(p1)] : [],
  )
  return [...new Set(databases)]
}
