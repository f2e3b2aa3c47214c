/** What SQLite can hold. Integers that a number cannot hold exactly come back as bigint. */
export type SqlValue = null | number | bigint | string | Uint8Array
export type Row = Readonly<Record<string, SqlValue>>

export interface Statement {
  run(params: readonly SqlValue[]): { readonly changes: number }
  get(params: readonly SqlValue[]): Row | undefined
  all(params: readonly SqlValue[]): Row[]
  each(params: readonly SqlValue[]): IterableIterator<Row>
  /** Names of the result's columns; empty for a statement that returns no rows. */
  columns(): readonly string[]
}

/** One open database, the same over every driver: busy_timeout 0, plain errors of the driver with SQLite's code. */
export interface Connection {
  readonly path: string
  /** Runs any number of statements. */
  exec(sql: string): void
  prepare(sql: string): Statement
  readonly inTransaction: boolean
  /** Safe to call twice. */
  close(): void
}

/** A SQLite library that was chosen; its adapter is loaded when a database is opened, not when the app starts (G9). */
export interface ChosenDriver {
  readonly name: string
  load(): Promise<Driver>
}

/** A SQLite library behind moult's one interface. */
export interface Driver {
  readonly name: string
  /** Creates the file unless `readOnly`. */
  open(path: string, options: { readonly readOnly: boolean }): Connection
}
