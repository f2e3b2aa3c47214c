import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMoultError } from '#moult/model/errors.js'
import { guardSql } from '#moult/stores/sqlite/guard.js'
import { step, testEach } from './db-under-test.js'

type Access = 'read' | 'write'

function isRefused(sql: string, access: Access = 'write'): boolean {
  try {
    guardSql(sql, { ...step, access })
    return false
  } catch (error) {
    if (isMoultError(error, 'STATEMENT_REFUSED')) return true
    throw error
  }
}

function assertRefused(statements: readonly string[], access: Access = 'write'): void {
  for (const sql of statements) assert.ok(isRefused(sql, access), sql)
}

function assertAllowed(statements: readonly string[], access: Access = 'write'): void {
  for (const sql of statements) assert.ok(!isRefused(sql, access), sql)
}

test('[P15] statements that end or leave the transaction are refused, however they are written', () => {
  assertRefused([
    'BEGIN',
    'begin immediate;',
    'COMMIT',
    'End Transaction',
    'ROLLBACK',
    'ROLLBACK TO a',
    'SAVEPOINT a',
    'RELEASE a',
    "ATTACH 'b.db' AS b",
    'DETACH b',
    'VACUUM',
    "VACUUM main INTO 'copy.db'",
    ';; /* a */ -- b\n CoMmIt',
    '\ufeffCOMMIT',
    'EXPLAIN COMMIT',
    'explain query plan /* c */ commit',
    'INSERT INTO t VALUES(1); COMMIT; INSERT INTO t VALUES(2)',
    'CREATE TRIGGER a DELETE ON t BEGIN SELECT CASE 1 WHEN 1 THEN 2 END; END; COMMIT',
  ])
})

test('[P15] words that look like them, elsewhere in a statement, are nothing to refuse', () => {
  assertAllowed([
    "INSERT INTO t VALUES('COMMIT; VACUUM')",
    'SELECT 1 AS "commit" -- ; COMMIT;',
    'UPDATE begin SET release = 1',
    'CREATE TRIGGER a DELETE ON t BEGIN SELECT 1; END',
    'INSERT OR ROLLBACK INTO t VALUES(1)',
    'WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a',
    'CREATE TABLE commits(id)',
  ])
})

test('[P15] pragmas that change how or whether the transaction reaches the disk are refused in each spelling', () => {
  assertRefused([
    'PRAGMA journal_mode=wal',
    'PRAGMA journal_mode(wal)',
    'PRAGMA main.journal_mode = wal',
    'pragma "main" . "Journal_Mode" = \'off\'',
    "PRAGMA 'journal_mode'(off)",
    'PRAGMA /* = */ synchronous -- (\n = 0',
    'EXPLAIN PRAGMA foreign_keys = ON',
    'PRAGMA user_version = 3',
    'PRAGMA schema_version = 3',
    'PRAGMA locking_mode = exclusive',
    'PRAGMA writable_schema = 1',
    'PRAGMA ignore_check_constraints = 1',
    'PRAGMA query_only = 1',
    'PRAGMA max_page_count = 1',
    'PRAGMA wal_checkpoint',
    'PRAGMA temp_store = memory',
    "PRAGMA rekey = 'secret'",
    'PRAGMA no_such_pragma',
  ])
})

test('[P15] pragmas that only answer, and some settings of the connection, are allowed', () => {
  assertAllowed([
    'PRAGMA table_info(t)',
    'PRAGMA table_info = t',
    'PRAGMA main.foreign_key_check',
    'PRAGMA user_version',
    'PRAGMA main.journal_mode;',
    'PRAGMA writable_schema',
    'SELECT * FROM pragma_table_xinfo(?)',
    'SELECT journal_mode FROM pragma_journal_mode',
    'PRAGMA defer_foreign_keys = ON',
    'PRAGMA legacy_alter_table = ON',
    'PRAGMA application_id = 7',
  ])
  assertRefused(['PRAGMA legacy_alter_table = ON', 'PRAGMA optimize', 'SELECT * FROM pragma_optimize'], 'read')
  assertAllowed(['PRAGMA legacy_alter_table', 'PRAGMA integrity_check', 'PRAGMA table_info(t)'], 'read')
})

testEach('[P15] no pragma changes a setting through its table-valued function', (open) => {
  const connection = open()
  connection.exec('CREATE TABLE t(a)')
  const settings = ['journal_mode', 'synchronous', 'foreign_keys', 'user_version', 'locking_mode', 'writable_schema']
  for (const name of settings) {
    const read = (): unknown => connection.prepare(`PRAGMA ${name}`).get([])
    const before = read()
    for (const call of [`pragma_${name}('1')`, `pragma_${name}(1, 'main')`, `pragma_${name} WHERE schema = 'off'`]) {
      try {
        connection.prepare(`SELECT * FROM ${call}`).all([])
      } catch {
        // Too many arguments, or no such database: that is what the test hopes for.
      }
    }
    assert.deepEqual(read(), before, name)
  }
})

test("[P15] step code can't write to moult's tables by any of SQLite's ways to name one", () => {
  assertRefused([
    'DELETE FROM moult_steps',
    'INSERT INTO "Moult_Steps" VALUES(1)',
    'UPDATE OR IGNORE [moult_commit] SET id = 1',
    "DELETE FROM 'moult_steps'",
    "INSERT INTO main.'moult_steps' VALUES(1)",
    "UPDATE OR REPLACE 'moult_steps' SET a = 1",
    'DROP TABLE IF EXISTS `moult_steps`',
    'ALTER TABLE moult_steps RENAME TO x',
    'ALTER TABLE x RENAME TO moult_steps',
    'CREATE TEMP TABLE moult_steps(a)',
    'CREATE INDEX i ON moult_steps(name)',
    'CREATE TRIGGER a AFTER INSERT ON t BEGIN DELETE FROM moult_steps; END',
    'CREATE TEMP TRIGGER a AFTER INSERT ON moult_commit BEGIN SELECT 1; END',
    'WITH a AS (SELECT 1) DELETE FROM moult_steps',
    'REPLACE INTO schema_migrations VALUES(1)',
  ])
  assertAllowed([
    'SELECT count(*) FROM moult_steps',
    'WITH a AS (SELECT * FROM schema_migrations) SELECT * FROM a',
    "INSERT INTO log VALUES('moult_steps')",
    'CREATE TABLE my_moult_steps(a)',
    'INSERT INTO t VALUES(1) -- moult_steps',
    'PRAGMA table_info(moult_steps)',
  ])
})

test('[P15] load_extension() is refused, and a column of that name in a string is not', () => {
  assertRefused([
    "SELECT load_extension('x')",
    'SELECT "Load_Extension"(\'x\')',
    "INSERT INTO t SELECT load_extension('x')",
  ])
  assertAllowed(["SELECT 'load_extension'"])
})

test('[P15] a refusal names store, step and line, and what to do instead', () => {
  assert.throws(() => guardSql('SELECT 1;\n\n  COMMIT;', { ...step, access: 'write' }), {
    code: 'STATEMENT_REFUSED',
    message: 'index/create: COMMIT (line 3 of the SQL) may not be used in a step',
    hint: /in a transaction of moult/,
    details: { store: 'index', step: 'index/create' },
  })
})
