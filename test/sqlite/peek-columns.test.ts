import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { peek } from '#moult/stores/sqlite/peek.js'
import { makeDirectory, openDatabase, readWithSqlite } from './peek-fixture.js'

const readable = [
  'CREATE TABLE t(a, b)',
  'create table t ( a integer primary key , b text ) strict',
  'CREATE TABLE t(a INTEGER PRIMARY KEY AUTOINCREMENT, b)',
  'CREATE TABLE t(a INTEGER PRIMARY KEY DESC, b)',
  'CREATE TABLE t(a INTEGER, b, PRIMARY KEY(a DESC))',
  'CREATE TABLE t(a INTEGER, b, PRIMARY KEY("A" COLLATE nocase))',
  'CREATE TABLE t(a INTEGER, b, CONSTRAINT "primary" PRIMARY KEY(a, b))',
  'CREATE TABLE t(a INTEGER, b, CHECK (a > 0) CONSTRAINT k PRIMARY KEY([a]))',
  'CREATE TABLE t(a INT PRIMARY KEY, b)',
  'CREATE TABLE t(a INTEGER(8) PRIMARY KEY, b)',
  'CREATE TABLE t(a "INTEGER" PRIMARY KEY, b)',
  'CREATE TABLE t("a" "integer" NOT NULL ON CONFLICT REPLACE PRIMARY KEY, b)',
  'CREATE TABLE t(a BIG INTEGER PRIMARY KEY, b)',
  'CREATE TABLE t("a, (b" INTEGER /* , c */ PRIMARY KEY, [b)] TEXT -- , d\n, `c``d` DECIMAL(10, 2) DEFAULT (1 + 2))',
  'CREATE TABLE t(\'a\' TEXT DEFAULT \'x, y)\', "primary" INTEGER CHECK ("primary" IN (1, 2)), key KEY)',
  'CREATE TABLE t(a REFERENCES u(x) ON DELETE SET DEFAULT ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED, b DEFAULT 5)',
  'CREATE TABLE t(a COLLATE nocase UNIQUE ON CONFLICT IGNORE, b DEFAULT CURRENT_TIMESTAMP)',
  'CREATE TABLE t(__proto__ TEXT, constructor INTEGER PRIMARY KEY)',
  'CREATE TABLE t(größe, "名前" INTEGER PRIMARY KEY, x$)',
  'CREATE TABLE t AS SELECT 1 AS a, \'x\' AS "b c", 2.5 AS d',
]

const added = [
  'INTEGER',
  'INTEGER DEFAULT 7',
  "INTEGER DEFAULT '7'",
  "INTEGER DEFAULT 'seven'",
  'INTEGER DEFAULT -7',
  'INTEGER DEFAULT + 7',
  'INTEGER DEFAULT 7.0',
  'INTEGER DEFAULT 9007199254740993',
  'INTEGER DEFAULT -9223372036854775807',
  'INTEGER DEFAULT 0x1f',
  'INTEGER DEFAULT TRUE',
  'INTEGER DEFAULT false',
  'TEXT DEFAULT 7',
  "TEXT DEFAULT ''",
  "TEXT DEFAULT 'it''s'",
  'TEXT DEFAULT "double"',
  "TEXT NOT NULL DEFAULT 'x' COLLATE nocase",
  'TEXT DEFAULT NULL',
  'TEXT DEFAULT word',
  'REAL DEFAULT 7',
  'REAL DEFAULT 1.5',
  'REAL DEFAULT .5',
  'REAL DEFAULT -1.5e3',
  'REAL DEFAULT 1e-3 CHECK (x <> 5)',
  'DEFAULT 1.5',
  "DEFAULT '15'",
  'DEFAULT -15',
  "BLOB DEFAULT X'00ff'",
  "BLOB DEFAULT x''",
  'NUMERIC DEFAULT 12',
  'ANY DEFAULT 12',
  'DEFAULT (5)',
  "DEFAULT ('five')",
  'DEFAULT (-5)',
  'DEFAULT(NULL)',
  'BOOLEAN NOT NULL DEFAULT 0',
  "VARCHAR(20) DEFAULT '01'",
  'DOUBLE PRECISION DEFAULT 3',
  "CHARINT DEFAULT '3'",
]

/** Equal to SQLite, or a refusal; a refusal only where `mayRefuse` says so. */
async function compare(path: string, mayRefuse: boolean): Promise<boolean> {
  const seen = await peek(path, ['t'])
  if (seen.state === 'unreadable' && mayRefuse) {
    assert.equal(seen.why, 'unsupported')
    return false
  }
  assert.ok(seen.state === 'database', seen.state === 'unreadable' ? seen.reason : seen.state)
  const expected = readWithSqlite(path, ['t']).tables['t'] ?? []
  assert.deepEqual(seen.tables['t']?.rows, expected)
  assert.deepEqual(seen.tables['t']?.columns, Object.keys(expected[0] ?? {}))
  return true
}

test('[P3] columns get the names and the rowid alias that SQLite gives them, however the table is written', async (t) => {
  const directory = makeDirectory(t)
  for (const [i, sql] of readable.entries()) {
    const path = join(directory, `${i}.db`)
    const db = openDatabase(path)
    db.exec(
      `CREATE TABLE u(x PRIMARY KEY); ${sql}; INSERT INTO t DEFAULT VALUES; INSERT OR IGNORE INTO t(rowid) VALUES (9007199254740993)`,
    )
    db.close()
    assert.ok(await compare(path, false), sql)
  }
})

test('[P3] rows from before ALTER TABLE ADD COLUMN have the default that SQLite says they have', async (t) => {
  const directory = makeDirectory(t)
  const refused: string[] = []
  for (const [i, type] of added.entries()) {
    const path = join(directory, `${i}.db`)
    const db = openDatabase(path)
    db.exec('CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, CHECK (a <> 5)); INSERT INTO t VALUES (1, 2)')
    db.exec(`ALTER TABLE t ADD COLUMN x ${type}; INSERT INTO t(a) VALUES (3)`)
    db.close()
    if (!(await compare(path, true))) refused.push(type)
  }
  // Only what SQLite converts or works out by itself may be refused; the shorter this list the better.
  assert.deepEqual(refused, ["INTEGER DEFAULT '7'", 'TEXT DEFAULT word', "CHARINT DEFAULT '3'"])
})

test('[G8] tables that this reader cannot be sure of are refused by name, never guessed', async (t) => {
  const directory = makeDirectory(t)
  const cases = {
    'WITHOUT ROWID': 'CREATE TABLE t(a PRIMARY KEY, b) WITHOUT ROWID',
    'moult never writes': 'CREATE TABLE t(a, b AS (a + 1))',
    'moult never writes ': 'CREATE TABLE t(a, b GENERATED ALWAYS AS (a + 1) STORED)',
    'a view': 'CREATE VIEW t AS SELECT 1 AS a',
    virtual: 'CREATE VIRTUAL TABLE t USING fts5(a)',
  }
  for (const [i, [reason, sql]] of Object.entries(cases).entries()) {
    const path = join(directory, `${i}.db`)
    const db = openDatabase(path)
    db.exec(sql)
    db.close()
    const seen = await peek(path, ['T'])
    assert.ok(seen.state === 'unreadable', sql)
    assert.equal(seen.why, 'unsupported')
    assert.ok(seen.reason.includes(`'t'`) && seen.reason.includes(reason.trim()), seen.reason)
    assert.equal((await peek(path, ['other'])).state, 'database', 'they disturb nobody who does not ask for them')
  }
})

test('[P3] tables are found as SQLite finds them: ASCII case does not count, and only those asked for are read', async (t) => {
  const path = join(makeDirectory(t), 'app.db')
  const db = openDatabase(path)
  db.exec('CREATE TABLE Moult_Steps(a); INSERT INTO moult_steps VALUES (1); CREATE TABLE other(a)')
  db.close()
  const seen = await peek(path, ['moult_steps', 'constructor', 'missing'])
  assert.ok(seen.state === 'database')
  assert.deepEqual(Object.keys(seen.tables), ['moult_steps'])
  assert.equal(seen.tables['constructor'], undefined)
  assert.deepEqual(seen.tables['moult_steps'], { columns: ['a'], rows: [{ a: 1 }] })
  assert.deepEqual(
    seen.schema.map((object) => object.name),
    ['Moult_Steps', 'other'],
  )
})
