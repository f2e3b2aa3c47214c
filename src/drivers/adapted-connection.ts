import type { Connection, Row, SqlValue, Statement } from '../model/driver.js'
import { bindable } from './parameters.js'
import { countPlaceholders } from './placeholders.js'
import { plainRow, refuseLostColumns } from './plain-row.js'

type RawRow = Readonly<Record<string, unknown>>

/** What a library's prepared statement has to offer. Integers come as bigint. */
export interface LibraryStatement {
  run(values: readonly SqlValue[]): number
  get(values: readonly SqlValue[]): RawRow | undefined
  all(values: readonly SqlValue[]): RawRow[]
  iterate(values: readonly SqlValue[]): Iterator<RawRow>
  columns(): readonly string[]
}

/** What a library's connection has to offer; `adaptConnection` makes the rest the same. */
export interface LibraryConnection {
  exec(sql: string): void
  prepare(sql: string): LibraryStatement
  isInTransaction(): boolean
  close(): void
  copyTo(path: string, onProgress: (pagesLeft: number, pages: number) => void): Promise<void>
  /** The library's error as moult's: `SqliteFailure` for SQLite's own, `TypeError` for misuse. */
  translate(error: unknown): unknown
}

/** A connection that can copy its database page by page through SQLite's backup API. */
export interface CopyingConnection extends Connection {
  /**
   * Copies what this connection sees, from within its open read transaction if it has one: then it is that snapshot.
   * A crash leaves a part of a copy at `path`.
   *
   * @throws SqliteFailure SQLITE_BUSY where the library would report success without having copied.
   */
  copyTo(path: string, onProgress?: (pagesLeft: number, pages: number) => void): Promise<void>
}

/** Whether this connection can copy its database; those of moult's own drivers can. */
export function canCopy(connection: Connection): connection is CopyingConnection {
  return typeof (connection as Partial<CopyingConnection>).copyTo === 'function'
}

/** One behaviour over every library: see `Connection` for what it promises. */
export function adaptConnection(library: LibraryConnection, path: string): CopyingConnection {
  const iterations = new Set<Iterator<RawRow>>()
  let isClosed = false

  function run<T>(work: () => T): T {
    if (isClosed) throw new TypeError(`the connection to ${path} is closed`)
    try {
      return work()
    } catch (error) {
      throw library.translate(error)
    }
  }

  /** Under a running iteration one library refuses to write and the other skips rows or repeats them. */
  function refuseWhileIterating(): void {
    if (iterations.size > 0) throw new TypeError('an iteration over this connection is still open; end it first')
  }

  function adaptStatement(sql: string): Statement {
    const statement = run(() => library.prepare(sql))
    const expected = countPlaceholders(sql)
    let columns: readonly string[] | undefined
    let own: Iterator<RawRow> | undefined

    function prepareRows(params: readonly SqlValue[]): SqlValue[] {
      if (own !== undefined) throw new TypeError('the statement is still being iterated over')
      if (columns === undefined) {
        const names = run(() => statement.columns())
        refuseLostColumns(names)
        columns = names
      }
      return bindable(params, expected)
    }

    function* iterate(values: readonly SqlValue[]): Generator<Row, undefined> {
      if (own !== undefined) throw new TypeError('the statement is still being iterated over')
      const rows = run(() => statement.iterate(values))
      own = rows
      iterations.add(rows)
      try {
        for (;;) {
          const next = run(() => rows.next())
          if (next.done === true) return
          yield plainRow(next.value)
        }
      } finally {
        own = undefined
        if (iterations.delete(rows) && !isClosed) rows.return?.()
      }
    }

    return {
      run(params) {
        refuseWhileIterating()
        const values = bindable(params, expected)
        return { changes: run(() => statement.run(values)) }
      },
      get(params) {
        const values = prepareRows(params)
        const row = run(() => statement.get(values))
        return row === undefined ? undefined : plainRow(row)
      },
      all(params) {
        const values = prepareRows(params)
        return run(() => statement.all(values)).map(plainRow)
      },
      each(params) {
        return iterate(prepareRows(params))
      },
      columns() {
        return run(() => statement.columns())
      },
    }
  }

  return {
    path,
    exec(sql) {
      refuseWhileIterating()
      run(() => library.exec(sql))
    },
    prepare: adaptStatement,
    get inTransaction() {
      return !isClosed && library.isInTransaction()
    },
    close() {
      if (isClosed) return
      for (const rows of iterations) rows.return?.()
      iterations.clear()
      isClosed = true
      library.close()
    },
    async copyTo(to, onProgress = () => {}) {
      if (isClosed) throw new TypeError(`the connection to ${path} is closed`)
      try {
        await library.copyTo(to, onProgress)
      } catch (error) {
        throw library.translate(error)
      }
    },
  }
}
