import assert from 'node:assert/strict'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { splitSql } from '#moult/stores/sqlite/sql-text.js'
import { testEach, writableStep } from './db-under-test.js'

const numbers = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT i FROM n'

testEach('[P15] changes are those of the statement itself, and the handle adds them up', (open) => {
  const { db, rowsChanged } = writableStep(
    open(),
    `CREATE TABLE t(a INTEGER PRIMARY KEY, b); CREATE TABLE log(a);
     CREATE TRIGGER r AFTER INSERT ON t BEGIN INSERT INTO log VALUES(new.a), (new.a); END`,
  )
  assert.deepEqual(db.run("INSERT INTO t(b) VALUES('x'), ('y')"), { changes: 2 })
  assert.deepEqual(db.run('CREATE TABLE u(a)'), { changes: 0 })
  assert.deepEqual(db.run('SELECT 1'), { changes: 0 })
  assert.deepEqual(db.run('EXPLAIN DELETE FROM t'), { changes: 0 })
  assert.deepEqual(db.run('PRAGMA application_id = 7'), { changes: 0 })
  assert.deepEqual(db.runMany('INSERT INTO t(b) VALUES(?)', [['c'], [null], [new Uint8Array([1])]]), { changes: 3 })
  assert.equal(rowsChanged(), 5)
  assert.deepEqual(db.run('UPDATE t SET b = 1 WHERE a < 3 RETURNING a'), { changes: 2 })
  assert.deepEqual(db.get('DELETE FROM t WHERE a > 3 RETURNING a'), { a: 4 })
  assert.deepEqual(db.all('SELECT a FROM t'), [{ a: 1 }, { a: 2 }, { a: 3 }])
  assert.deepEqual([...db.each('WITH w AS (SELECT 3) DELETE FROM t WHERE a IN w RETURNING a')], [{ a: 3 }])
  assert.equal(rowsChanged(), 10)
  db.exec('DELETE FROM t; DROP TABLE u; SELECT 1, 1')
  assert.equal(rowsChanged(), 12)
})

testEach('[P15] values come back as they were given', (open) => {
  const { db } = writableStep(open(), 'CREATE TABLE t(a)')
  const values = [null, 5, -0.5, 9007199254740991, 2n ** 62n, 'ä\u0000"', '', new Uint8Array([0, 255])]
  db.runMany(
    'INSERT INTO t VALUES(?)',
    values.map((value) => [value]),
  )
  assert.deepEqual(
    db.all('SELECT a FROM t').map(({ a }) => a),
    values,
  )
  assert.equal(db.get('SELECT typeof(a) AS type FROM t WHERE a = 5')?.['type'], 'integer')
})

testEach('[P15] runMany stops at the first bad row; the rows before it are in the transaction', (open) => {
  const { db, broken } = writableStep(open(), 'CREATE TABLE t(a UNIQUE)')
  function* rows(): Generator<[number]> {
    for (const { a } of db.each<{ a: number }>('SELECT 1 AS a UNION ALL SELECT 2 UNION ALL SELECT 1')) yield [a]
  }
  assert.throws(() => db.runMany('INSERT INTO t VALUES(?)', rows()), { code: 'SQLITE_CONSTRAINT' })
  assert.throws(() => db.runMany('INSERT INTO t VALUES(?)', [[7], [true as never]]), TypeError)
  assert.deepEqual(
    db.all('SELECT a FROM t').map(({ a }) => a),
    [1, 2, 7],
  )
  assert.equal(broken(), null)
})

testEach('[P15] an error in a longer SQL text names the line of its statement', (open) => {
  const { db } = writableStep(open())
  assert.throws(() => db.exec('CREATE TABLE t(a);\n-- b\nCRATE TABLE u(a);'), {
    name: 'SqliteError',
    code: 'SQLITE_ERROR',
    message: 'near "CRATE": syntax error (in the statement on line 3)',
  })
  assert.throws(() => db.exec('INSERT INTO t VALUES(?)'), TypeError)
})

testEach('[P15] statements prepared before a change of the schema see it', (open) => {
  const { db } = writableStep(open(), 'CREATE TABLE t(a); INSERT INTO t VALUES(1)')
  const all = 'SELECT * FROM t'
  const each = db.each(all)
  assert.deepEqual(db.all(all), [{ a: 1 }])
  assert.equal(db.number(all), 1)
  db.addColumn('t', "b TEXT DEFAULT 'x; y' -- c")
  assert.deepEqual(db.all(all), [{ a: 1, b: 'x; y' }])
  db.renameColumn('T', 'a', 'a "1"')
  assert.equal(db.number(all), 1)
  assert.deepEqual(db.get(all), { 'a "1"': 1, b: 'x; y' })
  db.run(`INSERT INTO t(b) ${numbers}`, 600)
  assert.deepEqual([...each][600], { 'a "1"': null, b: '600' })
  db.run("DELETE FROM t WHERE b <> 'x; y'")
  db.dropColumn('t', 'B')
  assert.deepEqual([...db.each(all)], [{ 'a "1"': 1 }])
  for (let i = 0; i < 500; i++) assert.equal(db.number(`SELECT ${i}`), i)
})

testEach('[P15] a column definition cannot carry a second statement', (open) => {
  const { db } = writableStep(open(), 'CREATE TABLE t(a); INSERT INTO t VALUES(1)')
  for (const definition of ['b; DELETE FROM t', 'b; COMMIT', "b DEFAULT 'x", 'b /*']) {
    assert.throws(() => db.addColumn('t', definition), TypeError, definition)
  }
  assert.throws(() => db.addColumn('t', 'b INTEGER NOT NULL'), { code: 'SQLITE_ERROR', message: /NOT NULL/ })
  assert.throws(() => db.addColumn('moult_steps', 'b'), { code: 'STATEMENT_REFUSED' })
  assert.throws(() => db.renameColumn('t"; DROP TABLE t; --', 'a', 'b'), {
    code: 'SQLITE_ERROR',
    message: /no such table/,
  })
  assert.deepEqual(db.all('SELECT * FROM t'), [{ a: 1 }])
})

testEach('[P15] dropColumn says which indexes, triggers and views use the column', (open) => {
  const { db } = writableStep(
    open(),
    `CREATE TABLE t(a, b, c, d UNIQUE); CREATE INDEX "by b" ON t("b"); CREATE INDEX by_c ON t(c);
     CREATE INDEX partly ON t(c) WHERE B > 1; CREATE VIEW v AS SELECT b FROM t; CREATE TABLE u(b); CREATE INDEX ub ON u(b);
     CREATE TRIGGER r AFTER INSERT ON t BEGIN UPDATE u SET b = new.b; END`,
  )
  assert.throws(() => db.dropColumn('t', 'b'), {
    name: 'SqliteError',
    code: 'SQLITE_ERROR',
    message:
      /\(used by index by b, index partly, view v, trigger r: drop them first, and make them again without it\)$/,
  })
  assert.throws(() => db.dropColumn('t', 'd'), /used by a UNIQUE or PRIMARY KEY/)
  assert.throws(() => db.dropColumn('t', 'e'), { message: /no such column/ })
  db.exec('DROP INDEX "by b"; DROP INDEX partly; DROP VIEW v; DROP TRIGGER r')
  db.dropColumn('t', 'b')
  assert.equal(db.columnExists('t', 'b'), false)
})

testEach(
  '[P15] tables and columns are found as SQLite finds them: in any case, temporary, virtual, generated',
  (open) => {
    const { db } = writableStep(
      open(),
      `CREATE TABLE Note(id INTEGER PRIMARY KEY, body TEXT NOT NULL DEFAULT 'x', n AS (id + 1), m AS (id) STORED, bare);
     CREATE VIEW v AS SELECT id, body FROM note; CREATE VIRTUAL TABLE f USING fts5(words); CREATE TABLE "a ""b"(x)`,
    )
    db.exec('CREATE TEMP TABLE draft(x)')
    for (const table of ['Note', 'NOTE', 'f', 'draft', 'a "b']) assert.ok(db.tableExists(table), table)
    for (const table of ['v', 'x', '', 'note ', "note' OR 1"]) assert.ok(!db.tableExists(table), table)
    assert.deepEqual(db.columns('note'), [
      { name: 'id', type: 'INTEGER', notNull: false, pk: 1, defaultSql: null },
      { name: 'body', type: 'TEXT', notNull: true, pk: 0, defaultSql: "'x'" },
      { name: 'n', type: '', notNull: false, pk: 0, defaultSql: null },
      { name: 'm', type: '', notNull: false, pk: 0, defaultSql: null },
      { name: 'bare', type: '', notNull: false, pk: 0, defaultSql: null },
    ])
    assert.deepEqual(
      db.columns('v').map(({ name }) => name),
      ['id', 'body'],
    )
    assert.deepEqual(
      db.columns('f').map(({ name }) => name),
      ['words'],
    )
    assert.deepEqual(db.columns('none'), [])
    assert.ok(db.columnExists('NOTE', 'BODY') && db.columnExists('draft', 'x') && !db.columnExists('none', 'x'))
    db.exec('DROP TABLE draft')
    assert.ok(!db.tableExists('draft'))
  },
)

testEach('[P15] each shows the rows as they were when it began, whatever its loop does to them', (open) => {
  const { db } = writableStep(open(), 'CREATE TABLE t(a INTEGER PRIMARY KEY, b)')
  for (const size of [3, 500, 501, 2500]) {
    db.run('DELETE FROM t')
    db.run(`INSERT INTO t SELECT i, 'x' FROM (${numbers})`, size)
    const seen: unknown[] = []
    for (const { a } of db.each<{ a: number }>("SELECT a FROM t WHERE b = 'x' ORDER BY a;")) {
      seen.push(a)
      db.run('UPDATE t SET a = -a WHERE a = ?', a)
      db.run("INSERT INTO t(b) VALUES('x')")
      if (a === 2) db.run('DELETE FROM t WHERE a = 3')
    }
    assert.deepEqual(
      seen,
      Array.from({ length: size }, (_, index) => index + 1),
    )
  }
})

testEach('[P15] each survives that its table goes, may be nested, left early and begun again', (open) => {
  const { db } = writableStep(open(), 'CREATE TABLE t(a)')
  db.run(`INSERT INTO t ${numbers}`, 1200)
  const rows = db.each<{ a: number }>('SELECT a FROM t')
  for (const { a } of rows) if (a === 700) break
  let sum = 0
  for (const { a } of rows) if (a % 400 === 0) for (const inner of rows) sum += inner.a === a ? a : 0
  assert.equal(sum, 2400)
  const iterator = rows[Symbol.iterator]()
  db.exec('DROP TABLE t')
  assert.equal([...{ [Symbol.iterator]: () => iterator }].length, 1200)
})

testEach('[P15] each changes no value on the way through the temporary database', (open) => {
  const connection = open()
  const { db, rowsChanged } = writableStep(
    connection,
    'CREATE TABLE t(n INTEGER PRIMARY KEY, r REAL, s TEXT, x ANY, "a ""b")',
  )
  const row = [5, '007', 2n ** 60n, null] as const
  db.runMany(
    'INSERT INTO t VALUES(NULL, ?, ?, ?, ?)',
    Array.from({ length: 600 }, () => row),
  )
  db.run('INSERT INTO t VALUES(NULL, 1.5, ?, ?, ?)', new Uint8Array([7]), '1e3', "it's")
  const all = 'SELECT *, typeof(r) || typeof(s) || typeof(x) AS types FROM t -- all'
  assert.deepEqual([...db.each(all)], db.all(all))
  assert.equal(rowsChanged(), 601)
  assert.equal(db.number('SELECT count(*) FROM t WHERE n > ?', 0), 601)
})

testEach('[P15] each keeps some hundred rows or a few megabytes in memory, not the table', (open) => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const { db } = writableStep(open(), 'CREATE TABLE t(a)')
  db.run(`INSERT INTO t SELECT zeroblob(1000000) FROM (${numbers})`, 60)
  collect()
  const before = process.memoryUsage().arrayBuffers
  let most = 0
  let seen = 0
  for (const { a } of db.each<{ a: Uint8Array }>('SELECT a FROM t')) {
    assert.equal(a.byteLength, 1_000_000)
    if (++seen % 10 === 0) collect()
    most = Math.max(most, process.memoryUsage().arrayBuffers - before)
  }
  assert.equal(seen, 60)
  assert.ok(most < 30_000_000, `${most} bytes`)
})

testEach('[P15] each reports a wrong statement where it is called, not where it is looped over', (open) => {
  const { db } = writableStep(open(), 'CREATE TABLE t(a)')
  assert.throws(() => db.each('SELECT nothing FROM t'), { code: 'SQLITE_ERROR' })
  assert.throws(() => db.each('DELETE FROM t'), {
    name: 'TypeError',
    message: /DELETE returns no rows; use run or exec/,
  })
  assert.throws(() => db.get('CREATE TABLE u(a)'), TypeError)
  assert.ok(!db.tableExists('u'))
})

testEach('[P15] a script of 20,000 statements runs as it stands', (open) => {
  const { db, rowsChanged } = writableStep(open())
  const inserts = Array.from({ length: 20_000 }, (_, index) => `INSERT INTO t VALUES(${index}, 'a;b''c'); -- ${index}`)
  const script = `CREATE TABLE t(a, b);\n${inserts.join('\n')}`
  assert.equal(splitSql(script).length, 20_001)
  db.exec(script)
  assert.equal(rowsChanged(), 20_000)
})
