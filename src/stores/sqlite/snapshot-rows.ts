import type { Row, SqlValue, Statement } from '../../drivers/driver.js'
import { quoteName } from './identifier.js'
import { allRows } from './statement-runs.js'
import type { Prepared, StepSession } from './step-session.js'

const pageRows = 500
const pageBytes = 4 * 1024 * 1024

interface Page {
  readonly rows: readonly Row[]
  readonly isLast: boolean
}

let spools = 0

/**
 * The rows of a statement as they are now, while the caller writes to the same tables. A cursor left open would show
 * some of these writes (https://sqlite.org/isolation.html), and better-sqlite3 refuses any while one is open. So a
 * result that fits into one page is read whole; a longer one is copied into a temporary table, which isn't part of the
 * database file, and read from there page by page. Its columns have no types, so SQLite converts no value.
 */
export function snapshotRows(session: StepSession, sql: string, params: readonly SqlValue[]): Iterator<Row> {
  const prepared = session.prepared(sql)
  const { verb, isExplained } = prepared.sql
  if (isExplained || (verb !== 'SELECT' && verb !== 'VALUES')) return alive(session, allRows(session, prepared, params))
  const first = session.perform(() => readPage(prepared.statement.each(params)))
  if (first.isLast) return alive(session, first.rows)
  return spooledRows(session, spool(session, prepared, params))
}

function spool(session: StepSession, { sql, statement }: Prepared, params: readonly SqlValue[]): Statement {
  const { connection } = session
  const table = `temp.moult_rows_${++spools}`
  const columns = statement.columns()
  const places = columns.map((_, index) => `c${index}`).join(', ')
  return session.perform(() => {
    connection.exec(`CREATE TABLE ${table}(n INTEGER PRIMARY KEY, ${places})`)
    connection.prepare(`INSERT INTO ${table}(${places}) ${sql.text}`).run(params)
    const named = columns.map((column, index) => `c${index} AS ${quoteName(column)}`).join(', ')
    return connection.prepare(`SELECT ${named} FROM ${table} WHERE n > ? ORDER BY n`)
  })
}

/** Rows are numbered from 1 without gaps, so the number of rows seen says where the next page begins. */
function* spooledRows(session: StepSession, rowsAfter: Statement): Generator<Row> {
  for (let seen = 0, isLast = false; !isLast;) {
    session.refuseDead()
    const page = session.perform(() => readPage(rowsAfter.each([seen])))
    yield* alive(session, page.rows)
    seen += page.rows.length
    isLast = page.isLast
  }
}

/** Takes rows until there are enough or no more, and closes the cursor. */
function readPage(cursor: IterableIterator<Row>): Page {
  const rows: Row[] = []
  let bytes = 0
  for (const row of cursor) {
    rows.push(row)
    bytes += sizeOf(row)
    if (rows.length >= pageRows || bytes >= pageBytes) return { rows, isLast: false }
  }
  return { rows, isLast: true }
}

function sizeOf(row: Row): number {
  let bytes = 0
  for (const value of Object.values(row)) {
    bytes += typeof value === 'string' ? value.length : value instanceof Uint8Array ? value.byteLength : 8
  }
  return bytes
}

/** A loop that outlives its step, or its transaction, ends with the error that says so. */
function* alive(session: StepSession, rows: Iterable<Row>): Generator<Row> {
  for (const row of rows) {
    session.refuseDead()
    yield row
  }
}
