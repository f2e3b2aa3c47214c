import type { Connection, Row, SqlValue, Statement } from '../../drivers/driver.js'
import { MoultFailure } from '../../model/errors.js'
import { databasesWritten } from './explain.js'
import { guardStatement, type GuardOptions } from './guard.js'
import { transactionLost } from './transaction-lost.js'
import { borrowedSettings, readPragma } from './pragma.js'
import { splitSql, type SqlStatement } from './sql-text.js'
import { dropTemporary } from './temporary.js'

/** A statement of step code: looked at, allowed and compiled. */
export interface Prepared {
  readonly sql: SqlStatement
  readonly statement: Statement
  readonly hasRows: boolean
  /** Whether it is an INSERT, REPLACE, UPDATE or DELETE: SQLite's own count of changes means these alone. */
  readonly isChange: boolean
}

/** A connection in the hands of one step: what may be done with it, and whether it still may. */
export interface StepSession {
  readonly connection: Connection
  readonly options: GuardOptions
  /** Throws HANDLE_EXPIRED or TRANSACTION_LOST if one of them is so. */
  refuseDead(): void
  /** The one statement of `sql`, ready to run. */
  prepared(sql: string): Prepared
  preparedStatement(sql: SqlStatement): Prepared
  /** Does `work` with the connection, then sees whether the transaction is still there. */
  perform<T>(work: () => T): T
  /** The rows of a question of moult's own, which needs no guard. */
  ask(sql: string, ...params: SqlValue[]): Row[]
  countChanges(changes: number): void
  readonly rowsChanged: () => number
  readonly lost: () => MoultFailure | null
  readonly breach: () => MoultFailure<'HANDLE_EXPIRED'> | null
  readonly expire: () => void
}

const cacheLimit = 200
const schemaVerbs = ['CREATE', 'ALTER', 'DROP']
const changeVerbs = ['INSERT', 'REPLACE', 'UPDATE', 'DELETE']

/** What the sessions of one connection share: its transaction and its schema. */
interface Shared {
  sessions: number
  schemaChanges: number
  failure: MoultFailure | null
}

const sharedBy = new WeakMap<Connection, Shared>()

function share(connection: Connection): Shared {
  let shared = sharedBy.get(connection)
  if (shared === undefined || shared.sessions === 0) {
    shared = { sessions: 0, schemaChanges: 0, failure: null }
    sharedBy.set(connection, shared)
  }
  shared.sessions++
  return shared
}

export function startSession(connection: Connection, options: GuardOptions): StepSession {
  const { storeName: store, stepName: step } = options
  if (!connection.inTransaction) throw new TypeError(`${step}: a step's handle needs an open transaction`)
  const shared = share(connection)
  const cache = new Map<string, Prepared>()
  const own = new Map<string, Statement>()
  const borrowed = new Map<string, number>()
  let expired = false
  let breach: MoultFailure<'HANDLE_EXPIRED'> | null = null
  let schemaSeen = shared.schemaChanges
  let rows = 0

  function refuseDead(): void {
    if (expired) {
      breach ??= new MoultFailure('HANDLE_EXPIRED', {
        message: `${step}: the database was used after the step had ended; nothing was written`,
        hint: 'Await what the step starts, and keep its handles to itself.',
        details: { store, step },
      })
      throw breach
    }
    if (shared.failure !== null) throw shared.failure
    // Asked before a statement too: outside a transaction it would commit itself.
    if (!connection.inTransaction) throw lose(undefined)
  }

  function lose(cause: unknown): MoultFailure {
    shared.failure = transactionLost(cause, { store, step })
    return shared.failure
  }

  function perform<T>(work: () => T): T {
    let result: T
    try {
      result = work()
    } catch (error) {
      throw connection.inTransaction ? error : lose(error)
    }
    if (!connection.inTransaction) throw lose(undefined)
    return result
  }

  function prepared(sql: string): Prepared {
    refuseDead()
    const known = recall(sql)
    if (known !== undefined) return known
    if (typeof sql !== 'string') throw new TypeError(`SQL is a text, not a ${typeof sql}`)
    const [first, ...others] = splitSql(sql)
    if (first === undefined) throw new TypeError('there is no statement in this SQL')
    if (others.length > 0) throw new TypeError(`${others.length + 1} statements where one is meant; exec takes several`)
    return compile(first, sql)
  }

  function compile(sql: SqlStatement, key: string): Prepared {
    guardStatement(sql, options)
    if (sql.verb === 'PRAGMA') borrow(sql)
    const entry = perform((): Prepared => {
      if (options.access === 'read') refuseWrites(sql)
      const statement = connection.prepare(sql.text)
      const isChange = changeVerbs.includes(sql.verb) && !sql.isExplained
      return { sql, statement, hasRows: statement.columns().length > 0, isChange }
    })
    if (schemaVerbs.includes(sql.verb)) shared.schemaChanges++
    else keep(key, entry)
    return entry
  }

  /** node:sqlite keeps the names of a statement's columns, so after a change of the schema all are compiled anew. */
  function recall(key: string): Prepared | undefined {
    if (schemaSeen !== shared.schemaChanges) cache.clear()
    schemaSeen = shared.schemaChanges
    return cache.get(key)
  }

  function keep(key: string, entry: Prepared): void {
    const [oldest] = cache.size < cacheLimit ? [] : cache.keys()
    if (oldest !== undefined) cache.delete(oldest)
    cache.set(key, entry)
  }

  function refuseWrites(sql: SqlStatement): void {
    if (sql.isExplained || sql.verb === 'PRAGMA' || databasesWritten(connection, sql.text).length === 0) return
    throw new MoultFailure('STATEMENT_REFUSED', {
      message: `${step}: ${sql.verb} writes, and this handle is for reading`,
      hint: 'Change this store in the `up` of a step that owns it or lists it in its `writes`.',
      details: { store, step },
    })
  }

  function borrow(sql: SqlStatement): void {
    const pragma = readPragma(sql)
    if (pragma === null || !pragma.hasArgument || borrowed.has(pragma.name)) return
    if (borrowedSettings.includes(pragma.name)) borrowed.set(pragma.name, setting(pragma.name))
  }

  function setting(name: string): number {
    return Number(Object.values(connection.prepare(`PRAGMA ${name}`).get([]) ?? {})[0])
  }

  return {
    connection,
    options,
    refuseDead,
    prepared,
    preparedStatement(sql) {
      refuseDead()
      return recall(sql.text) ?? compile(sql, sql.text)
    },
    perform,
    ask(sql, ...params) {
      refuseDead()
      const statement = own.get(sql) ?? connection.prepare(sql)
      own.set(sql, statement)
      return perform(() => statement.all(params))
    },
    countChanges: (changes) => void (rows += changes),
    rowsChanged: () => rows,
    lost: () => shared.failure,
    breach: () => breach,
    expire() {
      if (expired) return
      expired = true
      cache.clear()
      own.clear()
      for (const [name, value] of borrowed) connection.exec(`PRAGMA ${name} = ${value}`)
      shared.sessions--
      if (shared.sessions === 0 && connection.inTransaction) dropTemporary(connection)
    },
  }
}
