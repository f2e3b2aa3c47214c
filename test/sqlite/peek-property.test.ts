import assert from 'node:assert/strict'
import { openSync, readSync, statSync, writeSync, closeSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import type { SqlValue } from '#moult/model/driver.js'
import { peek } from '#moult/stores/sqlite/peek.js'
import { age, copyDatabase, type Database, makeDirectory, openDatabase, readWithSqlite } from './peek-fixture.js'

const tables = ['alpha', 'beta', 'moult_steps']

const value: fc.Arbitrary<SqlValue> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom<SqlValue>(null, 0, 1, -1, 127, -128, 32768, 8388608, 2147483648, 2 ** 47, 1.5, 1e300),
  },
  { weight: 2, arbitrary: fc.bigInt(-(1n << 63n), (1n << 63n) - 1n) },
  { weight: 2, arbitrary: fc.double({ noNaN: true }) },
  { weight: 4, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 5 }), fc.integer({ min: 1, max: 9000 }))
      .map(([text, times]) => text.repeat(times)),
  },
  { weight: 2, arbitrary: fc.uint8Array({ maxLength: 3000 }) },
)

const defaults = [
  '',
  'DEFAULT 7',
  "DEFAULT 'x''y'",
  'DEFAULT -3',
  'DEFAULT NULL',
  "DEFAULT X'00ff'",
  'DEFAULT 1.25',
  "NOT NULL DEFAULT ''",
  'DEFAULT TRUE',
  'DEFAULT 0x10',
]

type Operation =
  | { readonly do: 'insert'; readonly table: string; readonly values: readonly SqlValue[]; readonly times: number }
  | { readonly do: 'sql'; readonly sql: string }

const table = fc.constantFrom('alpha', 'beta')
const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('insert' as const),
      table,
      values: fc.tuple(value, value, value),
      times: fc.constantFrom(1, 1, 3, 60),
    }),
  },
  {
    weight: 5,
    arbitrary: fc
      .oneof(
        table.map((name) => `DELETE FROM ${name} WHERE rowid % 3 = 0`),
        fc.tuple(table, fc.nat(5000)).map(([name, n]) => `UPDATE ${name} SET b = zeroblob(${n}) WHERE rowid % 2 = 0`),
        fc
          .tuple(table, fc.nat(99), fc.constantFrom(...defaults))
          .map(([name, n, text]) => `ALTER TABLE ${name} ADD COLUMN "added ${n}" INTEGER ${text}`),
        fc.tuple(table, fc.nat(99)).map(([name, n]) => `ALTER TABLE ${name} ADD COLUMN t${n} TEXT DEFAULT 'né'`),
        fc.tuple(table, fc.nat(99)).map(([name, n]) => `ALTER TABLE ${name} RENAME COLUMN c TO "c""${n}"`),
        fc.nat(99).map((n) => `CREATE INDEX i${n} ON alpha(b)`),
        fc.nat(999).map((n) => `PRAGMA user_version = ${n - 500}`),
        fc.nat(40).map((n) => `CREATE TABLE extra${n}(x, y /* ${'long '.repeat(n * 9)} */)`),
        fc.constantFrom(
          'BEGIN',
          'BEGIN',
          'COMMIT',
          'ROLLBACK',
          'SAVEPOINT s',
          'ROLLBACK TO s',
          'VACUUM',
          'DROP TABLE beta',
          'PRAGMA wal_checkpoint(PASSIVE)',
          'PRAGMA wal_checkpoint(RESTART)',
          'PRAGMA incremental_vacuum(3)',
          'PRAGMA page_size=2048; VACUUM',
          'PRAGMA journal_mode=WAL',
          'PRAGMA journal_mode=DELETE',
          'PRAGMA journal_mode=PERSIST',
        ),
      )
      .map((sql) => ({ do: 'sql' as const, sql })),
  },
)

/** Long enough to outgrow a small cache, so that uncommitted pages are in the file. */
const transaction = fc
  .tuple(
    fc.array(operation, { minLength: 1, maxLength: 8, size: 'max' }),
    fc.constantFrom('COMMIT', 'COMMIT', 'ROLLBACK', 'SAVEPOINT kept'),
  )
  .map(([inside, end]): Operation[] => [{ do: 'sql', sql: 'BEGIN IMMEDIATE' }, ...inside, { do: 'sql', sql: end }])

const history = fc.record({
  pageSize: fc.constantFrom(512, 1024, 4096, 16384, 65536),
  encoding: fc.constantFrom('UTF-8', 'UTF-16le', 'UTF-16be'),
  autoVacuum: fc.constantFrom('NONE', 'FULL', 'INCREMENTAL'),
  journalMode: fc.constantFrom('DELETE', 'TRUNCATE', 'PERSIST', 'WAL', 'WAL'),
  synchronous: fc.constantFrom('OFF', 'NORMAL', 'FULL', 'EXTRA'),
  reserved: fc.constantFrom(0, 0, 32),
  cachePages: fc.constantFrom(1, 5, 2000),
  operations: fc
    .array(fc.oneof({ weight: 2, arbitrary: operation.map((only) => [only]) }, { weight: 3, arbitrary: transaction }), {
      minLength: 1,
      maxLength: 5,
      size: 'max',
    })
    .map((parts) => parts.flat()),
})

test('[P3] every database reads as SQLite reads it, at any moment a crash may leave it in', async (t) => {
  const directory = makeDirectory(t)
  let round = 0
  await fc.assert(
    fc.asyncProperty(history, async (made) => {
      const path = join(directory, `${round++}.db`)
      const db = makeDatabase(path, made)
      try {
        for (const each of made.operations) {
          apply(db, each)
          await compareAfterCrash(path, directory, round % 2 === 0)
        }
      } finally {
        db.close()
      }
      await compareAfterCrash(path, directory, true)
    }),
    { numRuns: Number(process.env['PEEK_RUNS'] ?? 25) },
  )
})

function makeDatabase(
  path: string,
  made: {
    pageSize: number
    encoding: string
    autoVacuum: string
    journalMode: string
    synchronous: string
    reserved: number
    cachePages: number
  },
): Database {
  const setup = `PRAGMA page_size=${made.pageSize}; PRAGMA encoding='${made.encoding}'; PRAGMA auto_vacuum=${made.autoVacuum}`
  const first = openDatabase(path)
  first.exec(`${setup}; PRAGMA user_version=1`)
  first.close()
  if (made.reserved > 0) reserve(path, made.reserved)
  const db = openDatabase(path)
  db.exec(
    `${setup}; PRAGMA journal_mode=${made.journalMode}; PRAGMA synchronous=${made.synchronous}; PRAGMA cache_size=${made.cachePages}`,
  )
  db.exec('CREATE TABLE alpha(id INTEGER PRIMARY KEY, a, b, c); CREATE TABLE beta(a TEXT, b, c REAL, PRIMARY KEY(a))')
  db.exec("CREATE TABLE moult_steps(version INTEGER NOT NULL, name TEXT NOT NULL DEFAULT '', PRIMARY KEY(version))")
  return db
}

/** Gives each page's last bytes to an extension, as encryption does; only possible while there are no tables. */
function reserve(path: string, bytes: number): void {
  const file = openSync(path, 'r+')
  const page = Buffer.alloc(108)
  readSync(file, page, 0, 108, 0)
  const size = page.readUInt16BE(16) === 1 ? 65536 : page.readUInt16BE(16)
  page.writeUInt8(bytes, 20)
  page.writeUInt16BE(size - bytes, 105)
  writeSync(file, page, 0, 108, 0)
  closeSync(file)
}

function apply(db: Database, each: Operation): void {
  try {
    if (each.do === 'sql') db.exec(each.sql)
    else {
      const insert = db.prepare(`INSERT OR REPLACE INTO ${each.table}(a, b, c) VALUES (?, ?, ?)`)
      for (let i = 0; i < each.times; i++)
        insert.run(...each.values.map((value, n) => (n === 0 && each.times > 1 ? i : value)))
    }
  } catch (error) {
    // A history that SQLite refuses in part (no such table, no transaction) is a history all the same.
    assert.match((error as { code?: string }).code ?? '', /^SQLITE_|ERR_/, String(error))
  }
}

async function compareAfterCrash(path: string, directory: string, aged: boolean): Promise<void> {
  const copy = copyDatabase(path, join(directory, 'crashed.db'))
  if (aged) age(copy)
  const seen = await peek(copy, tables)
  const expected = readWithSqlite(copy, tables)
  if (statSync(copy).size === 0) assert.equal(seen.state, 'empty')
  else {
    assert.equal(seen.state, 'database', seen.state === 'unreadable' ? seen.reason : '')
    assert.ok(seen.state === 'database')
    const rows = Object.fromEntries(Object.entries(seen.tables).map(([name, content]) => [name, content.rows]))
    assert.deepEqual({ userVersion: seen.userVersion, schema: seen.schema, tables: rows }, expected)
  }
}
