import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Connection } from '#moult/drivers/driver.js'
import { foreignKeyViolations, newViolations } from '#moult/stores/sqlite/foreign-keys.js'
import { testEach } from './db-under-test.js'

const schema = `PRAGMA foreign_keys = OFF; CREATE TABLE p(id INTEGER PRIMARY KEY, x, y, UNIQUE(x, y));
  CREATE TABLE c(a REFERENCES p, b REFERENCES p(id)); INSERT INTO p VALUES(1, 1, 1);
  CREATE TABLE w(k PRIMARY KEY, a REFERENCES p) WITHOUT ROWID; CREATE TABLE free(a);`

function newAfter(connection: Connection, change: string, limits?: { readonly keptRowids: number }) {
  const before = foreignKeyViolations(connection, 'main', limits)
  connection.exec(change)
  return newViolations(before, foreignKeyViolations(connection, 'main', limits)).map(({ table, columns, count }) => [
    table,
    columns.join(),
    count,
  ])
}

testEach('[P26] only violations that a step makes are new; old ones are counted', (open) => {
  const connection = open()
  connection.exec(`${schema} INSERT INTO c VALUES(7, 1), (1, 8)`)
  const before = foreignKeyViolations(connection)
  assert.equal(before.total, 2)
  assert.deepEqual(newAfter(connection, 'UPDATE c SET b = b'), [])
  assert.deepEqual(newAfter(connection, 'INSERT INTO c VALUES(1, 1), (NULL, 9), (9, 9)'), [
    ['c', 'a', 1],
    ['c', 'b', 2],
  ])
  assert.deepEqual(newAfter(connection, 'DELETE FROM c WHERE a = 7; UPDATE c SET a = 9 WHERE b = 8'), [['c', 'a', 1]])
  assert.deepEqual(
    newAfter(connection, 'DELETE FROM p; DROP TABLE p').map(([table]) => table),
    ['c', 'c'],
  )
  assert.deepEqual(newAfter(connection, 'DROP TABLE c'), [])
})

testEach('[P26] old violations stay old when the table is rebuilt and its keys get other numbers', (open) => {
  const connection = open()
  connection.exec(`${schema} INSERT INTO c VALUES(7, 1), (8, 1)`)
  const rebuild = `CREATE TABLE c2(a REFERENCES p, b REFERENCES p(id), d REFERENCES p, "E" REFERENCES P);
    INSERT INTO c2(rowid, a, b, d, "E") SELECT rowid, a, b, 1, 9 FROM c; DROP TABLE c; ALTER TABLE c2 RENAME TO C`
  assert.deepEqual(newAfter(connection, rebuild), [['C', 'E', 2]])
  assert.equal(foreignKeyViolations(connection).total, 4)
})

testEach('[P26] a foreign key that SQLite cannot check fails no step that found it so', (open) => {
  const connection = open()
  connection.exec(
    `${schema} CREATE TABLE bad(a REFERENCES free(a)); INSERT INTO bad VALUES(1); INSERT INTO c VALUES(7, 1)`,
  )
  assert.equal(foreignKeyViolations(connection).total, 2)
  assert.deepEqual(newAfter(connection, 'INSERT INTO bad VALUES(2)'), [])
  assert.deepEqual(newAfter(connection, 'CREATE TABLE worse(b REFERENCES free(a)); INSERT INTO worse VALUES(1)'), [
    ['worse', '', 1],
  ])
})

testEach('[P26] tables without rowid, and more rows than are remembered, are compared by number', (open) => {
  const connection = open()
  connection.exec(`${schema} INSERT INTO w VALUES(1, 7), (2, 8); INSERT INTO c VALUES(7, 1), (8, 1), (9, 1)`)
  assert.deepEqual(newAfter(connection, "UPDATE w SET k = 'x' WHERE k = 1"), [])
  assert.deepEqual(newAfter(connection, 'INSERT INTO w VALUES(3, 9)'), [['w', 'a', 1]])
  const limits = { keptRowids: 2 }
  assert.equal(foreignKeyViolations(connection, 'main', limits).total, 6)
  assert.deepEqual(newAfter(connection, 'INSERT INTO c VALUES(10, 1), (11, 1)', limits), [['c', 'a', 2]])
  assert.deepEqual(newAfter(connection, 'DELETE FROM c WHERE a < 10', limits), [])
})

testEach('[P26] keys over several columns, odd names, attached databases and big row ids are told apart', (open) => {
  const connection = open()
  connection.exec(`${schema} CREATE TABLE "o ""1"(x, y, FOREIGN KEY(x, y) REFERENCES p(x, y), FOREIGN KEY(y, x) REFERENCES p(x, y));
    ATTACH ':memory:' AS "other s"; CREATE TABLE "other s".p(id PRIMARY KEY); CREATE TABLE "other s".q(a REFERENCES p)`)
  assert.deepEqual(newAfter(connection, 'INSERT INTO "o ""1"(rowid, x, y) VALUES(9007199254740993, 1, 2)'), [
    ['o "1', 'y,x', 1],
    ['o "1', 'x,y', 1],
  ])
  assert.deepEqual(newAfter(connection, 'INSERT INTO "o ""1"(rowid, x, y) VALUES(9007199254740992, 1, NULL)'), [])
  connection.exec('INSERT INTO "other s".q VALUES(1)')
  assert.equal(foreignKeyViolations(connection, 'other s').total, 1)
  assert.equal(foreignKeyViolations(connection).total, 2)
})

testEach('[P26] new violations are exactly the rows that break a key now and did not before', (open) => {
  const connection = open()
  connection.exec(schema)
  connection.exec('BEGIN')
  const rows = fc.array(fc.tuple(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 3 })), { maxLength: 10 })
  const fill = (all: [number, number][]): Set<number> => {
    connection.exec('DELETE FROM c')
    const insert = connection.prepare('INSERT OR REPLACE INTO c(rowid, a) VALUES(?, ?)')
    for (const row of all) insert.run(row)
    return new Set([...new Map(all)].filter(([, a]) => a !== 1).map(([rowid]) => rowid))
  }
  fc.assert(
    fc.property(rows, rows, (old, now) => {
      const brokenBefore = fill(old)
      const before = foreignKeyViolations(connection)
      const broken = fill(now)
      const found = newViolations(before, foreignKeyViolations(connection))
      const expected = [...broken].filter((rowid) => !brokenBefore.has(rowid)).length
      assert.equal(found[0]?.count ?? 0, expected)
    }),
  )
})
