import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import fc from 'fast-check'
import { canCopy } from '#moult/drivers/adapted-connection.js'
import type { CopyingConnection } from '#moult/drivers/adapted-connection.js'
import type { Connection, SqlValue } from '#moult/drivers/driver.js'
import { SqliteFailure } from '#moult/drivers/sqlite-failure.js'
import { isMoultError } from '#moult/model/errors.js'
import { availableDrivers } from './available-drivers.js'
import { scratch } from './scratch.js'

for (const { name, driver, skip } of availableDrivers()) {
  const options = { skip }

  function open(t: TestContext, path = ':memory:', readOnly = false): Connection {
    const connection = driver!.open(path, { readOnly })
    t.after(() => connection.close())
    return connection
  }

  function withRows(t: TestContext, path = ':memory:'): Connection {
    const connection = open(t, path)
    connection.exec('CREATE TABLE t(id INTEGER PRIMARY KEY, any); INSERT INTO t(any) VALUES (1), (2), (3)')
    return connection
  }

  describe(name, options, () => {
    test('[P24] an integer that a number holds comes back as a number, a larger one as a bigint, none rounded', (t) => {
      const row = open(t).prepare('SELECT 9007199254740991 AS a, 9007199254740993 AS b, -9007199254740993 AS c').get([])
      assert.deepEqual(row, { a: 9007199254740991, b: 9007199254740993n, c: -9007199254740993n })
    })

    test('[P24] a whole number written back to a column without a type stays an INTEGER', (t) => {
      const connection = withRows(t)
      const read = connection.prepare('SELECT any FROM t WHERE id = 1').get([])!['any']!
      connection.prepare('UPDATE t SET any = ? WHERE id = 2').run([read])
      const types = connection.prepare('SELECT typeof(any) AS type FROM t').all([])
      assert.deepEqual(types, [{ type: 'integer' }, { type: 'integer' }, { type: 'integer' }])
    })

    test('[P24] what is written is what is read: every kind of value, any number of them', (t) => {
      const connection = open(t)
      const integer = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
      const value = fc.oneof(
        fc.constant(null),
        fc.string({ unit: 'grapheme' }),
        fc.integer(),
        fc.double({ noNaN: true }).map((number) => (Object.is(number, -0) ? 0 : number)),
        integer,
        fc.uint8Array(),
      )
      const same = (a: SqlValue) => (typeof a === 'bigint' && Number.isSafeInteger(Number(a)) ? Number(a) : a)
      const check = (values: SqlValue[]) => {
        const sql = `SELECT ${values.map((_, index) => `? AS c${index}`).join(', ')}`
        try {
          assert.deepEqual(Object.values(connection.prepare(sql).get(values)!), values.map(same))
        } catch (error) {
          // Node 22's node:sqlite cuts a text at a NUL character: refused there, never cut
          const hasNul = values.some((one) => typeof one === 'string' && one.includes('\0'))
          if (!hasNul || !isMoultError(error, 'STORE_UNREADABLE') || !process.version.startsWith('v22.')) throw error
        }
      }
      fc.assert(fc.property(fc.array(value, { minLength: 1, maxLength: 8 }), check), {
        examples: [[['a\0b', 'ä\u{1f40d}', '']], [[2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n)]], [[new Uint8Array()]]],
      })
    })

    test('[P24] a blob comes back as a plain Uint8Array, a row as a plain object', (t) => {
      const row = open(t).prepare("SELECT x'00ff' AS b").get([])!
      assert.equal(Object.getPrototypeOf(row['b']), Uint8Array.prototype)
      assert.deepEqual([...(row['b'] as Uint8Array)], [0, 255])
      assert.equal(Object.getPrototypeOf(row), Object.prototype)
      assert.throws(() => open(t).prepare('SELECT 1 AS "__proto__"').get([]), /__proto__/)
    })

    test('[P24] a text with a NUL character in it is read whole or refused, in every way of reading it', (t) => {
      const connection = withRows(t)
      connection.prepare('UPDATE t SET any = ? WHERE id = 2').run(['a\0b'])
      const statement = connection.prepare('SELECT any FROM t WHERE id >= ? ORDER BY id; -- from')
      for (const ask of [() => [statement.get([2])], () => statement.all([2]), () => [...statement.each([2])]])
        try {
          assert.deepEqual(ask()[0], { any: 'a\0b' })
        } catch (error) {
          if (!isMoultError(error, 'STORE_UNREADABLE') || !process.version.startsWith('v22.')) throw error
        }
      assert.deepEqual(statement.all([3]), [{ any: 3 }])
    })

    for (const [value, told] of [
      [undefined, 'undefined'],
      [true, 'boolean'],
      [{ a: 1 }, 'object'],
      [['x'], 'array'],
      [NaN, 'NaN'],
      [2n ** 63n, '64 bits'],
      [new Date(0), 'object'],
    ] as const)
      test(`[P24] a value that SQLite has no type for (${told}) is refused by its position, not stored as something`, (t) => {
        const connection = withRows(t)
        const update = connection.prepare('UPDATE t SET any = ? WHERE id = ?')
        assert.throws(
          () => update.run([value as never, 1]),
          (error) => error instanceof TypeError && error.message.includes('value 1') && error.message.includes(told),
        )
        assert.deepEqual(connection.prepare('SELECT any FROM t WHERE id = 1').get([]), { any: 1 })
      })

    test('[P24] too few or too many values are an error, and nothing is bound as NULL in their place', (t) => {
      const connection = withRows(t)
      for (const values of [[], [1], [1, 2, 3]])
        assert.throws(() => connection.prepare('UPDATE t SET any = ? WHERE id <> ?').run(values), TypeError)
      for (const sql of ['UPDATE t SET any = ?1', 'UPDATE t SET any = :any', 'UPDATE t SET any = @any'])
        assert.throws(() => connection.prepare(sql), /named or numbered/)
      assert.deepEqual(connection.prepare('SELECT sum(any) AS sum FROM t').get([]), { sum: 6 })
    })

    test('[P24] a second statement in one text is an error, never dropped', (t) => {
      const connection = withRows(t)
      assert.throws(
        () => connection.prepare('DELETE FROM t WHERE id = 1; DELETE FROM t WHERE id = 2'),
        /more than one statement/,
      )
      assert.throws(() => connection.prepare('-- nothing'), TypeError)
      connection.prepare('DELETE FROM t WHERE id = 1; -- one; only\n ; /* and; */ ').run([])
      assert.deepEqual(connection.prepare('SELECT count(*) AS n FROM t').get([]), { n: 2 })
    })

    test('[P24] two columns of one name are an error instead of one value of the two', (t) => {
      const statement = open(t).prepare('SELECT 1 AS id, 2 AS other, 3 AS id')
      assert.deepEqual(statement.columns(), ['id', 'other', 'id'])
      for (const ask of [() => statement.get([]), () => statement.all([]), () => [...statement.each([])]])
        assert.throws(ask, /two columns named id/)
    })

    test('[P24] changes counts the rows of this statement, 0 for one that changes none', (t) => {
      const connection = withRows(t)
      assert.deepEqual(connection.prepare('UPDATE t SET any = 5').run([]), { changes: 3 })
      assert.deepEqual(connection.prepare('CREATE TABLE u(a)').run([]), { changes: 0 })
      assert.deepEqual(connection.prepare('SELECT 1').run([]), { changes: 0 })
      assert.deepEqual(connection.prepare('WITH x AS (SELECT 1) DELETE FROM t WHERE id < 3').run([]), { changes: 2 })
      assert.deepEqual(connection.prepare('WITH x AS (SELECT 1) SELECT * FROM x').run([]), { changes: 0 })
      assert.deepEqual(connection.prepare('INSERT INTO t(any) VALUES (1), (2) RETURNING id').run([]), { changes: 2 })
    })

    test('[P24] a statement without rows can be asked for them, and has none', (t) => {
      const connection = open(t)
      assert.equal(connection.prepare('CREATE TABLE a(x)').get([]), undefined)
      assert.deepEqual(connection.prepare('CREATE TABLE b(x)').all([]), [])
      assert.deepEqual([...connection.prepare('CREATE TABLE c(x)').each([])], [])
      assert.deepEqual(connection.prepare('CREATE TABLE d(x)').columns(), [])
      assert.deepEqual(connection.prepare('SELECT count(*) AS n FROM sqlite_schema').get([]), { n: 3 })
    })

    test('[P24] an iteration that the consumer leaves is closed; while it is open, writes on the connection are refused', (t) => {
      const connection = withRows(t)
      for (const row of connection.prepare('SELECT id FROM t').each([])) {
        assert.deepEqual(row, { id: 1 })
        assert.throws(() => connection.exec('DELETE FROM t'), /iteration/)
        assert.throws(() => connection.prepare('DELETE FROM t').run([]), /iteration/)
        assert.deepEqual(connection.prepare('SELECT 2 AS a').get([]), { a: 2 })
        break
      }
      connection.exec('DELETE FROM t WHERE id = 1')
      assert.deepEqual([...connection.prepare('SELECT id FROM t').each([])], [{ id: 2 }, { id: 3 }])
    })

    test('[P24] a statement cannot be used twice at a time, which would restart the first use', (t) => {
      const statement = withRows(t).prepare('SELECT id FROM t')
      const rows = statement.each([])
      rows.next()
      assert.throws(() => statement.all([]), /iterated/)
      assert.deepEqual(rows.next().value, { id: 2 })
      rows.return!()
      assert.equal(statement.all([]).length, 3)
    })

    test('[P24] closing ends open iterations; a closed connection says so; closing twice is nothing', (t) => {
      const connection = withRows(t)
      const rows = connection.prepare('SELECT id FROM t').each([])
      rows.next()
      connection.close()
      connection.close()
      assert.throws(() => rows.next(), /is closed/)
      assert.throws(() => connection.exec('SELECT 1'), /is closed/)
      assert.equal(connection.inTransaction, false)
    })

    test('[P24] errors carry the primary code by name, the same from every library', (t) => {
      const path = join(scratch(t), 'a.db')
      const connection = withRows(t, path)
      connection.exec('CREATE UNIQUE INDEX u ON t(any)')
      const codeOf = (work: () => unknown) => {
        try {
          work()
        } catch (error) {
          assert.ok(error instanceof SqliteFailure, String(error))
          return error.code
        }
        return 'none'
      }
      assert.equal(
        codeOf(() => connection.exec('INSERT INTO t(any) VALUES (1)')),
        'SQLITE_CONSTRAINT',
      )
      assert.equal(
        codeOf(() => connection.prepare('SELECT * FROM nothing')),
        'SQLITE_ERROR',
      )
      connection.exec('BEGIN EXCLUSIVE')
      const other = open(t, path)
      const start = performance.now()
      assert.equal(
        codeOf(() => other.prepare('SELECT * FROM t').all([])),
        'SQLITE_BUSY',
      )
      assert.ok(performance.now() - start < 500, 'busy_timeout is 0')
      connection.exec('ROLLBACK')
      const reader = open(t, path, true)
      assert.equal(
        codeOf(() => reader.exec('DELETE FROM t')),
        'SQLITE_READONLY',
      )
      assert.equal(
        codeOf(() => open(t, `${path}.none`, true)),
        'SQLITE_CANTOPEN',
      )
      assert.equal(
        codeOf(() => open(t, join(path, '..', 'none', 'a.db'))),
        'SQLITE_CANTOPEN',
      )
      assert.deepEqual(readdirSync(join(path, '..')), ['a.db'])
    })

    test('[P24] SQLite says in its message which column, never which value', (t) => {
      const connection = open(t)
      connection.exec("CREATE TABLE s(secret TEXT UNIQUE) STRICT; INSERT INTO s VALUES ('hunter2')")
      assert.throws(
        () => connection.prepare('INSERT INTO s VALUES (?)').run(['hunter2']),
        (error) => error instanceof SqliteFailure && /s\.secret/.test(error.message) && !/hunter2/.test(error.message),
      )
      assert.throws(() => connection.prepare('INSERT INTO s VALUES (?)').run([new Uint8Array([104])]), SqliteFailure)
    })

    test('[P15] the connection tells when SQLite itself ended the transaction', (t) => {
      const connection = withRows(t)
      assert.equal(connection.inTransaction, false)
      connection.exec('BEGIN')
      assert.equal(connection.inTransaction, true)
      assert.throws(() => connection.exec('INSERT OR ROLLBACK INTO t(id) VALUES (1)'), SqliteFailure)
      assert.equal(connection.inTransaction, false)
    })

    test('[P10] a copy made within a read transaction is that snapshot, whatever is written meanwhile', async (t) => {
      const folder = scratch(t)
      const writer = withRows(t, join(folder, 'a.db'))
      writer.prepare('PRAGMA journal_mode = WAL').all([])
      const reader = open(t, join(folder, 'a.db'), true)
      assert.ok(canCopy(reader))
      reader.exec('BEGIN; SELECT * FROM t')
      writer.exec('DELETE FROM t')
      const seen: number[] = []
      await reader.copyTo(join(folder, 'copy.db'), (left, pages) => seen.push(left, pages))
      assert.deepEqual(open(t, join(folder, 'copy.db')).prepare('SELECT count(*) AS n FROM t').get([]), { n: 3 })
    })

    test('[P7] a copy onto a file that is being read is busy, never a success that copied nothing', async (t) => {
      const folder = scratch(t)
      const source = withRows(t, join(folder, 'a.db')) as CopyingConnection
      const reader = withRows(t, join(folder, 'b.db'))
      reader.exec('DELETE FROM t; BEGIN; SELECT * FROM t')
      await assert.rejects(
        source.copyTo(join(folder, 'b.db')),
        (error) => error instanceof SqliteFailure && error.code === 'SQLITE_BUSY',
      )
      reader.exec('ROLLBACK')
      await source.copyTo(join(folder, 'b.db'))
      assert.deepEqual(reader.prepare('SELECT count(*) AS n FROM t').get([]), { n: 3 })
    })
  })
}
