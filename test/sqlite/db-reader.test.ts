import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { DbWriter } from '#moult/stores/sqlite/db.js'
import { makeDb } from '#moult/stores/sqlite/db-handle.js'
import { drivers, readOnlyStep, step, testEach } from './db-under-test.js'

const schema = `CREATE TABLE t(a, b); INSERT INTO t VALUES(1, 'x'), (2, 'y'); CREATE VIEW v AS SELECT * FROM t;
  CREATE TRIGGER r INSTEAD OF INSERT ON v BEGIN INSERT INTO t VALUES(new.a, new.b); END;
  CREATE VIRTUAL TABLE f USING fts5(x); INSERT INTO f VALUES('some words')`

testEach('[P15] a reader reads in every way', (open) => {
  const { db } = readOnlyStep(open(), schema)
  assert.deepEqual(db.get('SELECT * FROM t WHERE a = ?', 2), { a: 2, b: 'y' })
  assert.equal(db.get('SELECT * FROM t WHERE a = ?', 3), undefined)
  assert.deepEqual(db.all('WITH w AS (SELECT a FROM v) SELECT a FROM w ORDER BY a DESC;'), [{ a: 2 }, { a: 1 }])
  assert.deepEqual([...db.each('VALUES(?)', 'c')], [{ column1: 'c' }])
  assert.deepEqual(db.all("SELECT x FROM f WHERE f MATCH 'words'"), [{ x: 'some words' }])
  assert.equal(db.all('EXPLAIN DELETE FROM t').length > 0, true)
  assert.deepEqual(db.all('PRAGMA foreign_key_check'), [])
  assert.equal(db.number('PRAGMA user_version'), 0)
  assert.ok(!('run' in db))
})

testEach(
  '[P15] a reader refuses whatever would write, also behind WITH, views, virtual tables and RETURNING',
  (open) => {
    const connection = open()
    const { db, broken } = readOnlyStep(connection, schema)
    const changes = (): unknown => connection.prepare('SELECT total_changes()').get([])
    const before = changes()
    for (const sql of [
      'INSERT INTO t VALUES(3, 4) RETURNING a',
      'INSERT INTO v VALUES(3, 4)',
      'WITH w AS (SELECT 1) DELETE FROM t WHERE a IN w RETURNING a',
      'UPDATE t SET a = ? RETURNING *',
      "INSERT INTO f VALUES('other')",
      'CREATE TABLE u(a)',
      'CREATE TEMP TABLE u(a)',
      'DROP TABLE t',
      'ANALYZE',
      'REINDEX',
      'PRAGMA user_version = 3',
      'SELECT * FROM pragma_optimize(0xfffe)',
    ]) {
      for (const call of [() => db.get(sql), () => db.all(sql, 1), () => db.each(sql), () => db.number(sql)]) {
        assert.throws(call, { code: 'STATEMENT_REFUSED' }, sql)
      }
    }
    assert.equal(broken(), null)
    assert.deepEqual(changes(), before)
  },
)

testEach('[P15] a reader and a writer share a connection, and the writer goes on writing', (open) => {
  const connection = open()
  const reader = readOnlyStep(connection, schema).db
  const writer: DbWriter = makeDb(connection, { ...step, writable: true }).db
  assert.equal(reader.number('SELECT count(*) FROM t'), 2)
  writer.run('DELETE FROM t')
  assert.equal(reader.number('SELECT count(*) FROM t'), 0)
  writer.run('INSERT INTO t VALUES(7, NULL)')
  assert.deepEqual(reader.get('SELECT * FROM t'), { a: 7, b: null })
  writer.exec('DROP VIEW v')
  writer.renameColumn('t', 'a', 'c')
  assert.deepEqual(reader.get('SELECT * FROM t'), { c: 7, b: null })
  writer.exec('DROP TABLE t')
  assert.throws(() => reader.number('SELECT count(*) FROM t'), { code: 'SQLITE_ERROR', message: /no such table/ })
})

testEach('[P15] number gives a safe integer or an error, never a guess', (open) => {
  const { db } = readOnlyStep(open(), 'CREATE TABLE t(a)')
  assert.equal(db.number('SELECT 9007199254740991 AS b, 7 AS "1"'), 9007199254740991)
  assert.equal(db.number('SELECT ?', 5), 5)
  for (const [sql, message] of [
    ['SELECT a FROM t', /has no row/],
    ['SELECT max(a) FROM t', /gives NULL/],
    ['SELECT 9007199254740992', /gives a bigint/],
    ['SELECT 1.5', /no safe integer/],
    ["SELECT '1'", /gives a string/],
    ["SELECT x'31'", /gives a blob/],
  ] as const) {
    assert.throws(() => db.number(sql), { name: 'Error', message })
  }
})

testEach('[P15] a value that SQLite has no type for, or a wrong number of values, is a TypeError', (open) => {
  const { db } = readOnlyStep(open())
  assert.throws(() => db.get('SELECT ?', true as never), { name: 'TypeError', message: /boolean.*1 or 0/ })
  assert.throws(() => db.get('SELECT ?', undefined as never), { name: 'TypeError', message: /null/ })
  assert.throws(() => db.get('SELECT ?', new Date() as never), TypeError)
  assert.throws(() => db.get('SELECT ?, ?', 1), TypeError)
  assert.throws(() => db.get('SELECT :a', 1), TypeError)
  assert.throws(() => db.get('SELECT 1; SELECT 2'), { name: 'TypeError', message: /2 statements/ })
  assert.throws(() => db.get('-- nothing'), { name: 'TypeError', message: /no statement/ })
  assert.throws(() => db.all(7 as never), { name: 'TypeError', message: /not a number/ })
  assert.throws(() => db.all('PRAGMA optimize'), { code: 'STATEMENT_REFUSED' })
})

for (const driver of drivers) {
  for (const mode of ['delete', 'wal']) {
    test(`[P15] a long each works on a read-only connection and changes no file (${driver.name}, ${mode})`, (t) => {
      const folder = mkdtempSync(join(tmpdir(), 'moult-db-'))
      const writer = driver.open(join(folder, 'test.db'), { readOnly: false })
      writer.exec(`PRAGMA journal_mode = ${mode}; CREATE TABLE t(a)`)
      writer.exec(
        'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500) INSERT INTO t SELECT i FROM n',
      )
      const connection = driver.open(join(folder, 'test.db'), { readOnly: true })
      t.after(() => {
        connection.close()
        writer.close()
        rmSync(folder, { recursive: true })
      })
      const { db, expire } = readOnlyStep(connection)
      const before = readdirSync(folder)
      assert.equal([...db.each('SELECT a FROM t')].length, 1500)
      expire()
      assert.deepEqual(readdirSync(folder), before)
      connection.exec('COMMIT')
    })
  }
}
