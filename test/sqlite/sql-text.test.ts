import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { splitSql } from '#moult/stores/sqlite/sql-text.js'
import { nextToken } from '#moult/stores/sqlite/sql-tokens.js'
import { testEach } from './db-under-test.js'

const texts = (sql: string): string[] => splitSql(sql).map(({ text }) => text)
const verbs = (sql: string): string[] => splitSql(sql).map(({ verb }) => verb)

const trigger = `CREATE TRIGGER "a;b" AFTER UPDATE ON t WHEN new.a > 0 BEGIN
  UPDATE t SET b = CASE WHEN a = 1 THEN 'x; END;' ELSE CASE a WHEN 2 THEN 3 END END; -- END;
  INSERT INTO t SELECT 1, 2 /* END; */ ; /* c */ END;`

test('[P15] a semicolon inside a string, a quoted name, a comment or a trigger ends no statement', () => {
  for (const statement of [
    `INSERT INTO t VALUES('a;b', 'it''s;', x'3b');`,
    'SELECT ";", "a"";" FROM `b;``;`, [c;"];',
    'SELECT 1 -- it ends; here\n, 2;',
    'SELECT 1 /* ; \' " -- */ , 2;',
    "SELECT '-- no comment', \"/*\", '/* ;';",
    trigger,
    trigger.replace('CREATE', 'EXPLAIN CREATE /* ; */ TEMP'),
  ]) {
    assert.deepEqual(texts(`${statement} SELECT 2;`), [statement, 'SELECT 2;'])
    assert.deepEqual(texts(`${statement}SELECT 2`), [statement, 'SELECT 2'])
  }
})

test('[P15] a trigger ends at END after a semicolon, also at the end of the text or before a comment', () => {
  assert.deepEqual(texts('CREATE TRIGGER a DELETE ON t BEGIN SELECT 1; END'), [
    'CREATE TRIGGER a DELETE ON t BEGIN SELECT 1; END',
  ])
  assert.equal(texts(`${trigger}\n-- over\n;;\nDROP TRIGGER "a;b"`).length, 2)
  assert.equal(texts('CREATE TABLE trigger_log(a); SELECT 1').length, 2)
})

test('[P15] empty statements, comments, a byte order mark and CRLF belong to no statement', () => {
  assert.deepEqual(texts(''), [])
  assert.deepEqual(texts(' ;; -- c\n; /* d */ \ufeff;'), [])
  assert.deepEqual(texts('\ufeffSELECT 1;\r\n\r\n-- c\r\nSELECT 2\r\n'), ['SELECT 1;', 'SELECT 2'])
})

test('[P15] a statement says what it does behind comments, EXPLAIN and WITH, in any case', () => {
  assert.deepEqual(verbs('/* c */ commit; -- d\n;; eXplain query plan vacuum; explain begin'), [
    'COMMIT',
    'VACUUM',
    'BEGIN',
  ])
  assert.deepEqual(verbs('WITH a AS (SELECT 1), "insert" AS (DELETE) UPDATE t SET a = (SELECT 1)'), ['UPDATE'])
  assert.deepEqual(verbs('WITH RECURSIVE a(n) AS (VALUES(1) UNION ALL SELECT n FROM a) SELECT n FROM a'), ['SELECT'])
  assert.deepEqual(verbs('EXPLAIN; WITH; (SELECT 1)'), ['EXPLAIN', 'WITH', ''])
})

test('[P15] a string, a quoted name or a comment without end is named with its line', () => {
  for (const [sql, message] of [
    ["SELECT 1;\n\nSELECT 'it''s", /^line 3: the string that starts here has no end$/],
    ['SELECT 1;\r\nSELECT "a""', /^line 2: the quoted name/],
    ['SELECT [a', /^line 1: the quoted name/],
    ['SELECT `a``', /^line 1: the quoted name/],
    ['SELECT 1;\n/* -- *', /^line 2: the comment/],
    ['SELECT 1;\nSELECT \0 2', /^line 2: a NUL character/],
  ] as const) {
    assert.throws(() => splitSql(sql), { name: 'TypeError', message })
  }
})

test('[P15] each statement knows its place and its line', () => {
  const sql = '-- one\nSELECT 1;\n\n\nSELECT\n2; SELECT 3;\nSELECT 4'
  assert.deepEqual(
    splitSql(sql).map(({ line }) => line),
    [2, 5, 6, 7],
  )
  for (const { start, text } of splitSql(sql)) assert.equal(sql.slice(start, start + text.length), text)
})

const piece = fc.constantFrom(
  ...[
    ';',
    ' ',
    '\n',
    '\r\n',
    '\ufeff',
    '-- c;\n',
    '/* ; */',
    "'a;''b'",
    '"c;"',
    '[d;]',
    '`e;`',
    '?1',
    ':a',
    'x',
    '1.5e3',
  ],
  ...[
    'SELECT',
    'CREATE',
    'TEMP',
    'TRIGGER',
    'BEGIN',
    'END',
    'CASE',
    'WITH',
    'EXPLAIN',
    'COMMIT',
    '(',
    ')',
    ',',
    '.',
    '->>',
  ],
)
const soup = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(' '))

test('[P15] whatever the text, statements and what stands between them are the text, and splitting them again changes nothing', () => {
  fc.assert(
    fc.property(soup, (sql) => {
      let end = 0
      for (const { start, text } of splitSql(sql)) {
        assert.ok(start >= end)
        assert.equal(sql.slice(start, start + text.length), text)
        assert.ok(isInert(sql.slice(end, start)))
        assert.deepEqual(texts(text), [text])
        end = start + text.length
      }
      assert.ok(isInert(sql.slice(end)))
    }),
    { numRuns: 2000 },
  )
})

function isInert(sql: string): boolean {
  for (let token = nextToken(sql, 0); token !== null; token = nextToken(sql, token.end))
    if (token.kind !== ';') return false
  return true
}

const value = fc.constantFrom(
  '1',
  "'a;''b'",
  "x'3b'",
  'NULL',
  "CASE WHEN 1 THEN ';' END",
  '(SELECT count(*) FROM t)',
  '"b"',
)
const insert = fc
  .tuple(value, value)
  .map(([a, b]) => `INSERT INTO t VALUES(${a.replace('"b"', '0')}, ${b.replace('"b"', '1')})`)
const update = value.map((v) => `UPDATE /* ; */ t SET a = ${v} -- ;\n WHERE "a" IS NOT [b]`)
const body = fc
  .array(fc.oneof(insert, update), { minLength: 1, maxLength: 3 })
  .map((all) => all.map((one) => `${one};`).join('\n'))
const made = fc
  .tuple(fc.nat(5), fc.constantFrom('', 'TEMP '), body)
  .map(([n, temp, inner]) => `CREATE ${temp}TRIGGER IF NOT EXISTS "r;${n}" AFTER DELETE ON t BEGIN ${inner} END`)
const other = fc.constantFrom(
  'DELETE FROM t WHERE a = 1',
  'SELECT * FROM t',
  'CREATE TABLE IF NOT EXISTS [u;](a)',
  'EXPLAIN COMMIT',
  '',
)
const script = fc
  .array(fc.tuple(fc.oneof(insert, update, made, other), fc.constantFrom(';', ' ; ', ';\n-- c;\n', ';;/* ; */')), {
    maxLength: 12,
  })
  .map((all) => all.map((pair) => pair.join('')).join(''))

testEach('[P15] statements one by one do what the whole text does', (open) => {
  const connection = open()
  connection.exec('PRAGMA recursive_triggers = OFF; CREATE TABLE t(a, b)')
  const outcome = (work: () => void): unknown => {
    connection.exec('BEGIN')
    try {
      work()
      const schema = 'SELECT * FROM main.sqlite_schema UNION ALL SELECT * FROM temp.sqlite_schema'
      return [connection.prepare('SELECT * FROM t').all([]), connection.prepare(schema).all([])]
    } catch (error) {
      return String(error)
    } finally {
      if (connection.inTransaction) connection.exec('ROLLBACK')
    }
  }
  fc.assert(
    fc.property(script, (sql) => {
      const whole = outcome(() => connection.exec(sql))
      assert.deepEqual(
        outcome(() => splitSql(sql).forEach(({ text }) => connection.exec(text))),
        whole,
      )
      // Each is one statement to SQLite as well: the drivers' prepare refuses more than one.
      connection.exec('BEGIN')
      for (const { text } of splitSql(sql)) {
        connection.prepare(text)
        connection.exec(text)
      }
      connection.exec('ROLLBACK')
    }),
    { numRuns: 300 },
  )
})
