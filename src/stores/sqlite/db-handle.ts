import type { Connection, SqlValue } from '../../drivers/driver.js'
import { SqliteFailure } from '../../drivers/sqlite-failure.js'
import type { MoultFailure } from '../../model/errors.js'
import type { DbReader, DbWriter } from './db.js'
import { guardSql } from './guard.js'
import { snapshotRows } from './snapshot-rows.js'
import type { SqlStatement } from './sql-text.js'
import { allRows, runToEnd } from './statement-runs.js'
import { startSession, type Prepared, type StepSession } from './step-session.js'
import { tableChanges } from './table-changes.js'
import { tableQuestions } from './table-questions.js'

export interface DbOptions {
  readonly storeName: string
  /** As messages name it: `store/step`. */
  readonly stepName: string
  /** moult's own tables in this database, besides `moult_steps` and `moult_commit`. */
  readonly markerTables: readonly string[]
}

/** What step code gets (`db`), and what the engine keeps to see how it went. */
export interface DbHandle<D extends DbReader> {
  readonly db: D
  /**
   * Ends the handle: every further call throws HANDLE_EXPIRED. Puts back the settings that the step changed; with the
   * last handle of a connection its temporary tables, views and triggers are dropped. Safe to call twice.
   */
  readonly expire: () => void
  /** The rows that the step inserted, updated or deleted, without what triggers did. */
  readonly rowsChanged: () => number
  /** TRANSACTION_LOST once the transaction is gone: the step has failed, whatever its code caught. */
  readonly broken: () => MoultFailure | null
  /** HANDLE_EXPIRED once the handle was used after its end: what the step meant to do then was not done. */
  readonly breach: () => MoultFailure<'HANDLE_EXPIRED'> | null
}

/**
 * A handle on a connection with an open transaction, for as long as one step runs. A connection may have several: of a
 * step, its check, and steps of other stores that read or write this one.
 */
export function makeDb(connection: Connection, options: DbOptions & { readonly writable: true }): DbHandle<DbWriter>
export function makeDb(connection: Connection, options: DbOptions & { readonly writable: false }): DbHandle<DbReader>
export function makeDb(connection: Connection, options: DbOptions & { readonly writable: boolean }): DbHandle<DbReader>
export function makeDb(
  connection: Connection,
  { writable, ...options }: DbOptions & { readonly writable: boolean },
): DbHandle<DbReader> {
  const session = startSession(connection, { ...options, access: writable ? 'write' : 'read' })
  const db = Object.freeze(writable ? writer(session) : reader(session))
  return { db, expire: session.expire, rowsChanged: session.rowsChanged, broken: session.lost, breach: session.breach }
}

function reader(session: StepSession): DbReader {
  return {
    get(sql, ...params) {
      const prepared = withRows(session.prepared(sql))
      // Left after its first row, a statement with RETURNING would not have run to its end.
      if (prepared.isChange) return allRows(session, prepared, params)[0] as never
      return session.perform(() => prepared.statement.get(params)) as never
    },
    all(sql, ...params) {
      return allRows(session, withRows(session.prepared(sql)), params) as never[]
    },
    each(sql, ...params) {
      withRows(session.prepared(sql))
      return { [Symbol.iterator]: () => snapshotRows(session, sql, params) as Iterator<never> }
    },
    number(sql, ...params) {
      const prepared = withRows(session.prepared(sql))
      const row = session.perform(() => prepared.statement.get(params))
      if (row === undefined) throw new Error('the query that should give a number has no row')
      const value = row[prepared.statement.columns()[0] ?? '']
      if (typeof value === 'number' && Number.isSafeInteger(value)) return value
      throw new Error(`the query that should give a number gives ${describeValue(value)}`)
    },
    ...tableQuestions(session),
  }
}

function writer(session: StepSession): DbWriter {
  const run = (sql: string, ...params: SqlValue[]) => ({ changes: runToEnd(session, session.prepared(sql), params) })
  return {
    ...reader(session),
    run,
    runMany(sql, rows) {
      let changes = 0
      for (const params of rows) changes += runToEnd(session, session.prepared(sql), params)
      return { changes }
    },
    exec(sql) {
      session.refuseDead()
      for (const statement of guardSql(sql, session.options)) execOne(session, statement)
    },
    ...tableChanges(session, run),
  }
}

function execOne(session: StepSession, sql: SqlStatement): void {
  try {
    const prepared = session.preparedStatement(sql)
    if (prepared.isChange || !prepared.hasRows) runToEnd(session, prepared, [])
    else session.perform(() => session.connection.exec(sql.text))
  } catch (error) {
    if (!(error instanceof SqliteFailure) || sql.line === 1) throw error
    const message = `${error.message} (in the statement on line ${sql.line})`
    throw Object.assign(new SqliteFailure(message, error.code, error.extended), { cause: error })
  }
}

function withRows(prepared: Prepared): Prepared {
  if (prepared.hasRows) return prepared
  throw new TypeError(`${prepared.sql.verb} returns no rows; use run or exec`)
}

function describeValue(value: SqlValue | undefined): string {
  if (value === null) return 'NULL'
  return typeof value === 'number'
    ? 'a number that is no safe integer'
    : `a ${value instanceof Uint8Array ? 'blob' : typeof value}`
}
