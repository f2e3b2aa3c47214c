import { resolve } from 'node:path'
import { MoultFailure } from '../model/errors.js'
import type { Driver, SqlValue } from '../model/driver.js'
import { adaptConnection } from './adapted-connection.js'
import type { LibraryConnection, LibraryStatement } from './adapted-connection.js'
import { guardAgainstNul } from './nul-text.js'
import { isRestEmpty } from './placeholders.js'
import { primaryCodeOf, SqliteFailure } from './sqlite-failure.js'

interface NodeSqlite {
  readonly DatabaseSync: new (path: string, options: object) => DatabaseSync
  readonly backup?: (source: DatabaseSync, path: string, options: object) => Promise<number>
}

interface DatabaseSync {
  /** From Node 22.16. */
  readonly isTransaction?: boolean
  exec(sql: string): void
  prepare(sql: string): StatementSync
  close(): void
}

interface StatementSync {
  readonly sourceSQL?: string
  setReadBigInts(on: boolean): void
  run(...values: readonly SqlValue[]): { readonly changes: number | bigint }
  get(...values: readonly SqlValue[]): Readonly<Record<string, unknown>> | undefined
  all(...values: readonly SqlValue[]): Readonly<Record<string, unknown>>[]
  iterate(...values: readonly SqlValue[]): Iterator<Readonly<Record<string, unknown>>>
  columns?(): readonly { readonly name: string }[]
}

const pagesPerTick = 256

/** Whether this runtime has `node:sqlite`: Node from 22.13, Bun. */
export function hasNodeSqlite(): boolean {
  return loadNodeSqlite() !== undefined
}

/**
 * The driver over `node:sqlite`, for `defineState({ driver })`.
 *
 * @throws MoultError DRIVER_MISSING where the runtime doesn't have it.
 */
export function nodeSqlite(): Driver {
  const sqlite = loadNodeSqlite()
  if (sqlite === undefined)
    throw new MoultFailure('DRIVER_MISSING', {
      message: `this runtime (${process.version}) has no node:sqlite`,
      hint: 'Use Node 22.13 or later, or install better-sqlite3 and hand it in: betterSqlite3(Database).',
      details: {},
    })
  return {
    name: 'node:sqlite',
    open(path, { readOnly }) {
      const full = path === '' || path === ':memory:' ? path : resolve(path)
      try {
        const database = new sqlite.DatabaseSync(full, { readOnly, timeout: 0 })
        return adaptConnection(libraryConnection(sqlite, database, full), full)
      } catch (error) {
        throw translate(error)
      }
    },
  }
}

let loaded: NodeSqlite | undefined

/**
 * Node announces on stderr that the module is experimental when it is first loaded. That is moult's choice, not
 * something the app's user could act on, and a library doesn't print: so this one warning is held back.
 */
function loadNodeSqlite(): NodeSqlite | undefined {
  if (loaded !== undefined || typeof process.getBuiltinModule !== 'function') return loaded
  const emitWarning = process.emitWarning
  process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
    const text = typeof warning === 'string' ? warning : warning.message
    if (!text.startsWith('SQLite is an experimental feature')) Reflect.apply(emitWarning, process, [warning, ...rest])
  }
  try {
    loaded = process.getBuiltinModule('node:sqlite') as NodeSqlite | undefined
  } finally {
    process.emitWarning = emitWarning
  }
  return loaded
}

function libraryConnection(sqlite: NodeSqlite, database: DatabaseSync, path: string): LibraryConnection {
  let totalChanges: StatementSync | undefined

  function countTotalChanges(): bigint {
    if (totalChanges === undefined) {
      totalChanges = database.prepare('SELECT total_changes() AS n')
      totalChanges.setReadBigInts(true)
    }
    return totalChanges.get()?.['n'] as bigint
  }

  function prepare(sql: string): LibraryStatement {
    const statement = database.prepare(sql)
    // SQLite keeps the text up to the first statement's end; node:sqlite drops the rest without a word
    if (statement.sourceSQL !== undefined && !isRestEmpty(sql, statement.sourceSQL.length))
      throw new TypeError('The supplied SQL string contains more than one statement')
    statement.setReadBigInts(true)
    const columns = statement.columns?.().map((column) => column.name) ?? []
    const guard = guardAgainstNul(database, statement.sourceSQL ?? sql, columns.length, path)
    // After any other statement than these, `changes` is still that of an earlier one
    const tellsChanges = /^\s*(insert|update|delete|replace)\b/i.test(sql)
    return {
      run(values) {
        if (tellsChanges) return Number(statement.run(...values).changes)
        const before = countTotalChanges()
        const { changes } = statement.run(...values)
        return countTotalChanges() === before ? 0 : Number(changes)
      },
      get: (values) => (guard?.(values), statement.get(...values)),
      all: (values) => (guard?.(values), statement.all(...values)),
      iterate: (values) => (guard?.(values), statement.iterate(...values)),
      columns: () => columns,
    }
  }

  return {
    exec: (sql) => database.exec(sql),
    prepare,
    isInTransaction: () => database.isTransaction ?? isInTransaction(database),
    close: () => database.close(),
    translate,
    async copyTo(to, onProgress) {
      if (sqlite.backup === undefined)
        throw new MoultFailure('DRIVER_MISSING', {
          message: `the node:sqlite of this runtime (${process.version}) cannot copy a database`,
          hint: 'Use Node 22.16 or later.',
          details: {},
        })
      await sqlite.backup(database, to, {
        rate: pagesPerTick,
        progress: ({ totalPages, remainingPages }: { totalPages: number; remainingPages: number }) =>
          onProgress(remainingPages, totalPages),
      })
    },
  }
}

/** Without `isTransaction`: a second BEGIN is refused, and a first one takes no lock. */
function isInTransaction(database: DatabaseSync): boolean {
  try {
    database.exec('BEGIN')
  } catch {
    return true
  }
  database.exec('ROLLBACK')
  return false
}

function translate(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof SqliteFailure) return error
  const { code, errcode } = error as { code?: unknown; errcode?: unknown }
  if (code === 'ERR_SQLITE_ERROR' && typeof errcode === 'number') {
    // A backup onto a file that somebody is reading fails with code 0, "not an error"
    if (errcode === 0) return new SqliteFailure('database is locked', 'SQLITE_BUSY', 5)
    return new SqliteFailure(error.message, primaryCodeOf(errcode), errcode)
  }
  const isMisuse = typeof code === 'string' && (code.startsWith('ERR_INVALID_') || code === 'ERR_OUT_OF_RANGE')
  return isMisuse && !(error instanceof TypeError) ? new TypeError(error.message) : error
}
