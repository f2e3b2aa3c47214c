import { dirname, resolve } from 'node:path'
import { disk } from '../disk/disk.js'
import type { Driver, SqlValue } from '../model/driver.js'
import { adaptConnection } from './adapted-connection.js'
import type { LibraryConnection, LibraryStatement } from './adapted-connection.js'
import { primaryNameOf, SqliteFailure } from './sqlite-failure.js'

/** What moult uses of better-sqlite3's class, so that its types need not be installed. */
export type BetterSqlite3 = new (
  path: string,
  options: { readonly?: boolean; fileMustExist?: boolean; timeout?: number },
) => object

interface Database {
  readonly inTransaction: boolean
  readonly open: boolean
  exec(sql: string): unknown
  prepare(sql: string): DatabaseStatement
  close(): unknown
  backup(path: string, options: { progress(state: BackupState): number }): Promise<BackupState>
}

interface DatabaseStatement {
  readonly reader: boolean
  safeIntegers(on: boolean): unknown
  run(...values: readonly SqlValue[]): { readonly changes: number }
  get(...values: readonly SqlValue[]): Readonly<Record<string, unknown>> | undefined
  all(...values: readonly SqlValue[]): Readonly<Record<string, unknown>>[]
  iterate(...values: readonly SqlValue[]): Iterator<Readonly<Record<string, unknown>>>
  columns(): readonly { readonly name: string }[]
}

interface BackupState {
  readonly totalPages: number
  readonly remainingPages: number
}

const pagesPerTick = 256

/**
 * The driver over a copy of better-sqlite3 (12 on Node 20, 12 or 13 from Node 22), for `defineState({ driver })`.
 * Hand in the class the app itself uses: two SQLite libraries, or two copies of one, must not open the same file.
 *
 * @throws TypeError when it isn't given a class.
 */
export function betterSqlite3(Database: BetterSqlite3): Driver {
  if (typeof Database !== 'function')
    throw new TypeError("betterSqlite3 takes better-sqlite3's default export, a class")
  return {
    name: 'better-sqlite3',
    open(path, { readOnly }) {
      const full = path === '' || path === ':memory:' ? path : resolve(path)
      if (full !== full.trim()) throw new TypeError(`better-sqlite3 cannot open a path that ends in a space: ${full}`)
      refuseMissingDirectory(full)
      try {
        const options = { readonly: readOnly, fileMustExist: readOnly, timeout: 0 }
        return adaptConnection(libraryConnection(new Database(full, options) as Database), full)
      } catch (error) {
        throw translate(error)
      }
    },
  }
}

function libraryConnection(database: Database): LibraryConnection {
  return {
    exec: (sql) => void database.exec(sql),
    prepare: (sql) => libraryStatement(database.prepare(sql)),
    isInTransaction: () => database.inTransaction,
    close: () => void database.close(),
    translate,
    async copyTo(path, onProgress) {
      const { totalPages } = await database.backup(path, {
        progress({ totalPages, remainingPages }) {
          onProgress(remainingPages, totalPages)
          return pagesPerTick
        },
      })
      // A destination that somebody is reading makes backup() resolve at once with nothing copied
      const pages = database.prepare('PRAGMA page_count').get()?.['page_count']
      if (totalPages === 0 && pages !== 0) throw new SqliteFailure('database is locked', 'SQLITE_BUSY', 'SQLITE_BUSY')
    },
  }
}

function libraryStatement(statement: DatabaseStatement): LibraryStatement {
  if (statement.reader) {
    statement.safeIntegers(true)
    return {
      run: (values) => statement.run(...values).changes,
      get: (values) => statement.get(...values),
      all: (values) => statement.all(...values),
      iterate: (values) => statement.iterate(...values),
      columns: () => statement.columns().map((column) => column.name),
    }
  }
  const runForNothing = (values: readonly SqlValue[]) => (statement.run(...values), [])
  return {
    run: (values) => statement.run(...values).changes,
    get: (values) => (statement.run(...values), undefined),
    all: runForNothing,
    iterate: (values) => runForNothing(values)[Symbol.iterator](),
    columns: () => [],
  }
}

/** better-sqlite3 would say so in a `TypeError`, without SQLite's code. */
function refuseMissingDirectory(path: string): void {
  if (path === '' || path === ':memory:') return
  try {
    disk.stat(dirname(path))
  } catch {
    throw new SqliteFailure('unable to open database file', 'SQLITE_CANTOPEN', 'SQLITE_CANTOPEN')
  }
}

function translate(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof SqliteFailure) return error
  const code = (error as { code?: unknown }).code
  if (typeof code === 'string' && code.startsWith('SQLITE_'))
    return new SqliteFailure(error.message, primaryNameOf(code), code)
  return error instanceof RangeError ? new TypeError(error.message) : error
}
