import type { Row, SqlValue } from '../../model/driver.js'

export interface DbColumn {
  readonly name: string
  /** As declared; '' without a type. */
  readonly type: string
  readonly notNull: boolean
  /** The place in the primary key, from 1; 0 outside it. */
  readonly pk: number
  /** The default as SQL text, or null without one. */
  readonly defaultSql: string | null
}

/**
 * A database as a check or another store's step may see it. Values for `?` are given in order; a boolean, `undefined`
 * or a wrong number of values is a `TypeError`. Integers beyond what a number holds come back as bigint.
 *
 * Every method throws HANDLE_EXPIRED once the step has ended, TRANSACTION_LOST once its transaction is gone, and
 * STATEMENT_REFUSED for SQL that only moult may use; a reader also for SQL that would write.
 */
export interface DbReader {
  /** The first row, or undefined. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller names the row's shape
  get<R = Row>(sql: string, ...params: SqlValue[]): R | undefined
  /** All rows at once, in memory. */
  all<R = Row>(sql: string, ...params: SqlValue[]): R[]
  /**
   * The rows as they are when an iteration begins: whatever is done to the tables meanwhile, also by the loop's own
   * body, changes nothing in it. Needs memory for some hundred rows; a longer result is put aside in SQLite's temporary
   * database (`$SQLITE_TMPDIR`, `$TMPDIR`, /var/tmp).
   */
  each<R = Row>(sql: string, ...params: SqlValue[]): Iterable<R>
  /** The first column of the first row as a number; throws when there is none or it is not a safe integer. */
  number(sql: string, ...params: SqlValue[]): number
  /** Whether there is a table of this name, temporary and virtual ones included, views not. Case is ignored. */
  tableExists(table: string): boolean
  /** The columns of a table or view in order, generated ones included; none if it doesn't exist. */
  columns(table: string): readonly DbColumn[]
  /** False also if there is no such table. Case is ignored. */
  columnExists(table: string, column: string): boolean
}

/**
 * A database as a step changes it, inside moult's transaction. What SQLite refuses is thrown as a `SqliteError` with
 * SQLite's `code`; a step may catch it and go on, unless the transaction went with it.
 */
export interface DbWriter extends DbReader {
  /** One statement. `changes` counts the rows it inserted, updated or deleted itself, without triggers. */
  run(sql: string, ...params: SqlValue[]): { readonly changes: number }
  /** One statement once a row. Stops at the first error; what earlier rows did stays in the step's transaction. */
  runMany(sql: string, rows: Iterable<readonly SqlValue[]>): { readonly changes: number }
  /** Any number of statements without parameters. All are looked at before the first one runs. */
  exec(sql: string): void
  /** `definition` is what stands after ADD COLUMN: `'created_at TEXT'`. */
  addColumn(table: string, definition: string): void
  renameColumn(table: string, from: string, to: string): void
  /** Fails, and says what uses the column, if an index, a trigger or a view does. */
  dropColumn(table: string, column: string): void
}
