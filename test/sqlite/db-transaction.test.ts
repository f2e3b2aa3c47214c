import assert from 'node:assert/strict'
import { isMoultError } from '#moult/model/errors.js'
import type { DbWriter } from '#moult/stores/sqlite/db.js'
import { makeDb } from '#moult/stores/sqlite/db-handle.js'
import { step, testEach, writableStep } from './db-under-test.js'

const everyCall: Readonly<Record<keyof DbWriter, (db: DbWriter) => unknown>> = {
  get: (db) => db.get('SELECT 1'),
  all: (db) => db.all('SELECT 1'),
  each: (db) => db.each('SELECT 1'),
  number: (db) => db.number('SELECT 1'),
  tableExists: (db) => db.tableExists('t'),
  columns: (db) => db.columns('t'),
  columnExists: (db) => db.columnExists('t', 'a'),
  run: (db) => db.run('INSERT INTO t(a) VALUES(9)'),
  runMany: (db) => db.runMany('INSERT INTO t(a) VALUES(?)', [[9]]),
  exec: (db) => db.exec('INSERT INTO t(a) VALUES(9)'),
  addColumn: (db) => db.addColumn('t', 'z'),
  renameColumn: (db) => db.renameColumn('t', 'a', 'z'),
  dropColumn: (db) => db.dropColumn('t', 'a'),
}

const count = 'SELECT count(*) AS n FROM t'

testEach(
  '[P15] an INSERT OR ROLLBACK that the step catches: the step has failed, and what it does next is not written',
  (open) => {
    const connection = open()
    const { db, broken } = writableStep(connection, 'CREATE TABLE t(a UNIQUE); INSERT INTO t VALUES(1)')
    db.run('INSERT INTO t VALUES(2)')
    assert.equal(broken(), null)
    assert.throws(() => db.run('INSERT OR ROLLBACK INTO t VALUES(1)'), {
      code: 'TRANSACTION_LOST',
      message: /^index\/create: a statement ended moult's transaction, .*UNIQUE constraint failed: t\.a$/,
    })
    for (const [name, call] of Object.entries(everyCall))
      assert.throws(() => call(db), { code: 'TRANSACTION_LOST' }, name)
    assert.ok(isMoultError(broken(), 'TRANSACTION_LOST'))
    assert.deepEqual(open().prepare(count).get([]), { n: 1 })
  },
)

for (const [what, code, schema, sql] of [
  [
    'ON CONFLICT ROLLBACK in the table',
    'TRANSACTION_LOST',
    'CREATE TABLE t(a UNIQUE ON CONFLICT ROLLBACK)',
    'INSERT INTO t VALUES(1), (1)',
  ],
  [
    'RAISE(ROLLBACK) in a trigger',
    'TRANSACTION_LOST',
    "CREATE TABLE t(a); CREATE TRIGGER r BEFORE INSERT ON t BEGIN SELECT RAISE(ROLLBACK, 'no'); END",
    'INSERT INTO t VALUES(1)',
  ],
  ['a full disk', 'NO_SPACE', 'CREATE TABLE t(a); PRAGMA max_page_count = 8', 'INSERT INTO t VALUES(zeroblob(100000))'],
] as const) {
  testEach(`[P15] ${what} ends the transaction: the handle is dead although the step catches the error`, (open) => {
    const connection = open()
    const { db, broken } = writableStep(connection, schema)
    assert.throws(() => db.exec(sql), { code })
    assert.throws(() => db.run('INSERT INTO t VALUES(2)'), { code })
    assert.ok(broken()?.cause instanceof Error)
    assert.deepEqual(open().prepare(count).get([]), { n: 0 })
  })
}

testEach('[P15] an error that leaves the transaction alone may be caught, and the step goes on', (open) => {
  const connection = open()
  const { db, broken } = writableStep(connection, 'CREATE TABLE t(a UNIQUE)')
  db.run('INSERT INTO t VALUES(1)')
  assert.throws(() => db.run('INSERT INTO t VALUES(1)'), { name: 'SqliteError', code: 'SQLITE_CONSTRAINT' })
  db.run('INSERT INTO t VALUES(2)')
  assert.equal(broken(), null)
  connection.exec('COMMIT')
  assert.deepEqual(connection.prepare(count).get([]), { n: 2 })
})

testEach('[P15] SQL text with its own COMMIT is refused before its first statement runs', (open) => {
  const connection = open()
  const { db, broken } = writableStep(connection, 'CREATE TABLE t(a)')
  assert.throws(() => db.exec('INSERT INTO t VALUES(1); COMMIT; INSERT INTO t VALUES(2);'), {
    code: 'STATEMENT_REFUSED',
  })
  assert.throws(() => db.run('COMMIT'), { code: 'STATEMENT_REFUSED' })
  assert.throws(() => db.run('INSERT INTO t VALUES(1); COMMIT'), TypeError)
  assert.throws(() => db.all('INSERT INTO t VALUES(1) RETURNING a; COMMIT'), TypeError)
  assert.equal(db.number(count), 0)
  assert.equal(broken(), null)
  assert.ok(connection.inTransaction)
})

testEach('[P15] a promise that the step forgot writes nothing, and is told why', async (open) => {
  const connection = open()
  const { db, expire } = writableStep(connection, 'CREATE TABLE t(a)')
  const { run } = db
  const forgotten = Promise.resolve().then(() => run('INSERT INTO t VALUES(1)'))
  const rows = db.each('VALUES(1), (2), (3)')[Symbol.iterator]()
  assert.deepEqual(rows.next().value, { column1: 1 })
  expire()
  connection.exec('COMMIT')
  await assert.rejects(forgotten, {
    code: 'HANDLE_EXPIRED',
    message: 'index/create: the database was used after the step had ended; nothing was written',
    hint: /^Await what the step starts/,
  })
  assert.throws(() => rows.next(), { code: 'HANDLE_EXPIRED' })
  for (const [name, call] of Object.entries(everyCall)) assert.throws(() => call(db), { code: 'HANDLE_EXPIRED' }, name)
  assert.deepEqual(connection.prepare(count).get([]), { n: 0 })
  expire()
})

testEach('[P15] two handles on one connection lose its transaction together', (open) => {
  const connection = open()
  const first = writableStep(connection, 'CREATE TABLE t(a UNIQUE); INSERT INTO t VALUES(1)')
  const second = makeDb(connection, { ...step, stepName: 'index/other', writable: true })
  assert.throws(() => first.db.run('INSERT OR ROLLBACK INTO t VALUES(1)'), { code: 'TRANSACTION_LOST' })
  assert.throws(() => second.db.run('INSERT INTO t VALUES(2)'), { code: 'TRANSACTION_LOST' })
  assert.deepEqual(connection.prepare(count).get([]), { n: 1 })
  assert.throws(() => makeDb(connection, { ...step, writable: true }), TypeError)
  first.expire()
  second.expire()
  connection.exec('BEGIN')
  assert.equal(makeDb(connection, { ...step, writable: true }).db.number(count), 1)
})

testEach('[P15] a handle that outlives its transaction unexpired writes nothing outside of one', (open) => {
  const connection = open()
  const { db, broken } = writableStep(connection, 'CREATE TABLE t(a)')
  db.run('INSERT INTO t VALUES(1)')
  connection.exec('ROLLBACK')
  assert.throws(() => db.run('INSERT INTO t VALUES(1)'), { code: 'TRANSACTION_LOST' })
  assert.ok(broken())
  assert.deepEqual(connection.prepare(count).get([]), { n: 0 })
})

testEach('[P15] settings that a step changed and its temporary tables are gone when it ends', (open) => {
  const connection = open()
  const { db, expire } = writableStep(connection, 'CREATE TABLE t(a)')
  const setting = (): unknown => connection.prepare('PRAGMA legacy_alter_table').get([])
  const before = setting()
  for (const value of ['ON', 'OFF', 'ON']) db.run(`PRAGMA legacy_alter_table = ${value}`)
  assert.deepEqual(setting(), { legacy_alter_table: 1 })
  const cacheSize = db.number('PRAGMA cache_size')
  for (const value of [100, 200, 100]) db.run(`PRAGMA cache_size = ${value}`)
  assert.equal(db.number('PRAGMA cache_size'), 100)
  db.exec(`CREATE TEMP TABLE "a ""b"(x); CREATE TEMP VIEW v AS SELECT * FROM t; CREATE TEMP TABLE s(x INTEGER PRIMARY KEY AUTOINCREMENT);
    CREATE TEMP TRIGGER r AFTER INSERT ON main.t BEGIN INSERT INTO s VALUES(NULL); END;
    CREATE VIRTUAL TABLE temp.f USING fts5(x); INSERT INTO t VALUES(1)`)
  assert.ok(db.tableExists('s'))
  expire()
  assert.deepEqual(setting(), before)
  assert.deepEqual(connection.prepare('PRAGMA cache_size').get([]), { cache_size: cacheSize })
  const left = "SELECT name FROM temp.sqlite_schema WHERE name NOT LIKE 'sqlite_%'"
  assert.deepEqual(connection.prepare(left).all([]), [])
  connection.exec('COMMIT')
  assert.deepEqual(connection.prepare(count).get([]), { n: 1 })
})
