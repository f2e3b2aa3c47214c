import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { betterSqlite3, defineState, nodeSqlite, sqlite } from 'moult'
import type { SqliteDriver } from 'moult'
import { temporaryFolder } from '../support/footprint.js'

const any = (value: unknown): any => value

test('[A7] a database that cannot be meant is refused where it is declared, with what is wrong', () => {
  const store = sqlite('index', { path: 'index.db' }).step('create', { up: 'CREATE TABLE t(a)' })
  const wrong: readonly [() => unknown, RegExp][] = [
    [() => sqlite(any('../index'), { path: 'index.db' }), /'\.\.\/index' is no name for a store/],
    [() => sqlite(any(''), { path: 'index.db' }), /is no name for a store/],
    [() => sqlite('index', any(undefined)), /its options are missing/],
    [() => sqlite('index', any({ path: 'index.db', tabel: 'x' })), /unknown option 'tabel'; known are path/],
    [() => sqlite('index', any({ path: 'index.db', onNewer: 'ignore' })), /onNewer is 'floor', 'refuse' or/],
    [() => sqlite('index', { path: '../index.db' }), /index/],
    [() => sqlite('index', { path: '' }), /its path is missing/],
    [() => sqlite('index', { path: './' }), /path must name a file/],
    [() => sqlite('index', { path: 'index.db', table: 'sqlite_steps' }), /cannot be the name of a marker table/],
    [() => sqlite('index', { path: 'index.db', table: 'a"b' }), /cannot be the name of a marker table/],
    [() => store.steps(any([{ name: 'a', options: {} }])), /takes what stepsFrom/],
    [() => store.steps(any(undefined)), /takes what stepsFrom/],
    [() => store.adopt(any('newest')), /adopt takes 'oldest' or/],
    [() => store.adopt(any({ at: 'missing' })), /no step 'missing'/],
    [() => store.adopt('oldest').adopt({ at: 'create' }), /adopt is said twice/],
    [() => store.at(any('missing')), /no step or version 'missing'/],
    [() => store.flat('  '), /a flat schema is SQL text/],
    [() => sqlite('index', { path: 'index.db' }).flat('CREATE TABLE t(a)'), /a flat schema stands for steps/],
    [() => store.step(any('create'), { up: '' }), /create/],
  ]
  for (const [define, message] of wrong)
    assert.throws(define, (error) => error instanceof TypeError && message.test(error.message), String(message))
})

test('[P24] [K1] a state runs on the SQLite library that it was given, for every database and nothing else', async (t) => {
  const opened: string[] = []
  const Database = createRequire(import.meta.url)('better-sqlite3') as new (path: string, options: object) => object
  class Watched extends Database {
    constructor(path: string, options: object) {
      super(path, options)
      opened.push(path)
    }
  }
  const root = temporaryFolder(t)
  const driver: SqliteDriver = betterSqlite3(any(Watched))
  const index = sqlite('index', { path: 'index.db' }).step('create', {
    up: ({ db }) => {
      db.exec('CREATE TABLE t(a)')
      db.run('INSERT INTO t VALUES (?)', 1)
    },
  })
  const state = defineState({ app: 'agent', driver, stores: [index] }).in(root)
  assert.equal((await state.upgrade()).outcome, 'upgraded')
  assert.ok(opened.length > 0)
  assert.deepEqual(
    opened.filter((path) => path !== join(root, 'index.db')),
    [],
  )
  const before = opened.length
  assert.equal((await state.status()).stores[0]?.status, 'current')
  assert.equal(opened.length, before, 'to look is to read pages')
  // With the same library: two must not open one file in one process
  const db = any(new Database(join(root, 'index.db'), {}))
  assert.deepEqual(db.prepare('SELECT a FROM t').all(), [{ a: 1 }])
  db.close()
  assert.throws(() => betterSqlite3(any({})), TypeError)
})

test('[P24] node:sqlite can be asked for, and is refused in words where there is none', async (t) => {
  const root = temporaryFolder(t)
  const index = sqlite('index', { path: 'index.db' }).step('create', { up: 'CREATE TABLE t(a)' })
  const state = (): ReturnType<typeof defineState> =>
    defineState({ app: 'agent', driver: nodeSqlite(), stores: [index] }).in(root)
  if (process.getBuiltinModule('node:sqlite') !== undefined)
    return assert.equal((await state().upgrade()).outcome, 'upgraded')
  await assert.rejects(async () => state().upgrade(), { code: 'DRIVER_MISSING' })
})
