import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { replaceDisk } from '#moult/disk/disk.js'
import { checkCopy } from '#moult/stores/sqlite/check-copy.js'
import { finishCopy } from '#moult/stores/sqlite/copy-in-child.js'
import { beginCopy } from '#moult/stores/sqlite/copy-pages.js'
import type { PageCopy } from '#moult/stores/sqlite/copy-pages.js'
import { temporaryFolder } from '../support/footprint.js'
import { openDatabase } from '../support/sqlite.js'

const contentOf = (path: string): unknown => {
  const db = openDatabase(path)
  try {
    return [
      db.all('PRAGMA integrity_check'),
      db.all('PRAGMA page_count'),
      db.all('SELECT * FROM sqlite_schema'),
      db.all('SELECT * FROM t ORDER BY id'),
    ]
  } finally {
    db.close()
  }
}

const change = fc.oneof(
  fc.record({
    do: fc.constant('insert' as const),
    rows: fc.integer({ min: 1, max: 60 }),
    bytes: fc.integer({ min: 0, max: 9000 }),
  }),
  fc.record({ do: fc.constant('delete' as const), rows: fc.integer({ min: 1, max: 60 }), bytes: fc.constant(0) }),
  fc.record({ do: fc.constant('vacuum' as const), rows: fc.constant(0), bytes: fc.constant(0) }),
  fc.record({ do: fc.constant('checkpoint' as const), rows: fc.constant(0), bytes: fc.constant(0) }),
)

test('[P11] whatever was written, in any mode, page size and state of the log, a copy has what SQLite sees, in the same bytes each time', async (t) => {
  const folder = temporaryFolder(t)
  let n = 0
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('wal', 'delete', 'truncate', 'persist'),
      fc.constantFrom(512, 1024, 4096, 65536),
      fc.constantFrom('none', 'full'),
      fc.array(change, { minLength: 1, maxLength: 8 }),
      fc.array(change, { maxLength: 4 }),
      async (mode, pageSize, vacuum, before, after) => {
        const path = join(folder, `${n++}.db`)
        const db = openDatabase(path)
        db.exec(`PRAGMA page_size = ${pageSize}; PRAGMA auto_vacuum = ${vacuum}; PRAGMA journal_mode = ${mode}`)
        db.exec(
          'PRAGMA wal_autocheckpoint = 20; CREATE TABLE t(id INTEGER PRIMARY KEY, a BLOB); CREATE INDEX ta ON t(a)',
        )
        const apply = (changes: typeof before): void => {
          for (const { do: what, rows, bytes } of changes) {
            if (what === 'insert')
              db.exec(
                `WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows}) INSERT INTO t(a) SELECT randomblob(${bytes}) FROM n`,
              )
            else if (what === 'delete') db.exec(`DELETE FROM t WHERE id IN (SELECT id FROM t ORDER BY a LIMIT ${rows})`)
            else if (what === 'vacuum') db.exec('VACUUM')
            else db.exec('PRAGMA wal_checkpoint(PASSIVE)')
          }
        }
        apply(before)
        // As `freezeDatabase` holds it: writers stand still while the copy is begun, and a reader stays until its end
        const writer = openDatabase(path)
        writer.exec('BEGIN IMMEDIATE')
        const reader = openDatabase(path)
        reader.exec('BEGIN')
        const expected = [
          [{ integrity_check: 'ok' }],
          reader.all('PRAGMA page_count'),
          reader.all('SELECT * FROM sqlite_schema'),
          reader.all('SELECT * FROM t ORDER BY id'),
        ]
        const copy = beginCopy(path, `${path}.copy`)
        writer.exec('ROLLBACK')
        if (mode === 'wal') apply(after.filter((each) => each.do !== 'vacuum'))
        const { sha256, bytes } = await copy.finish()
        const again = beginCopy(path, `${path}.again`)
        const second = await again.finish()
        reader.exec('ROLLBACK')
        for (const each of [reader, writer, db]) each.close()
        const stored = fs.readFileSync(`${path}.copy`)
        assert.equal(stored.length, bytes)
        assert.equal(createHash('sha256').update(stored).digest('hex'), sha256)
        assert.deepEqual([stored[18], stored[19]], [1, 1], 'it needs no log')
        assert.deepEqual(contentOf(`${path}.copy`), expected)
        if (after.length === 0 || mode !== 'wal') assert.equal(second.sha256, sha256)
        for (const name of fs.readdirSync(folder)) fs.rmSync(join(folder, name))
      },
    ),
    { numRuns: 60 },
  )
})

test('[P11] a file that is cut off, or no database, is not copied as if it were whole', async (t) => {
  const folder = temporaryFolder(t)
  const path = join(folder, 'a.db')
  const db = openDatabase(path)
  db.exec('CREATE TABLE t(id INTEGER PRIMARY KEY, a)')
  db.close()
  fs.writeFileSync(path, Buffer.concat([fs.readFileSync(path).subarray(0, 50)]))
  assert.throws(() => beginCopy(path, `${path}.copy`), /Unreadable|header|ends/)
  fs.writeFileSync(path, 'SQLite is what this file says it is, but it is not')
  assert.throws(() => beginCopy(path, `${path}.two`), /does not begin as a SQLite database/)
})

test('[P11] a large database is copied by a process of its own, to the same bytes; without one, here', async (t) => {
  const folder = temporaryFolder(t)
  const path = join(folder, 'a.db')
  const writer = openDatabase(path)
  writer.exec('PRAGMA journal_mode = WAL; CREATE TABLE t(id INTEGER PRIMARY KEY, a)')
  const fill = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9000)'
  writer.exec(`${fill} INSERT INTO t SELECT i, randomblob(2000) FROM n`)
  writer.exec('PRAGMA wal_checkpoint(TRUNCATE); PRAGMA wal_autocheckpoint = 0')
  writer.exec('UPDATE t SET a = randomblob(2100) WHERE id % 70 = 0; INSERT INTO t VALUES (10000, randomblob(9000))')
  const reader = openDatabase(path)
  reader.exec('BEGIN')
  const rows = reader.all('SELECT * FROM t ORDER BY id')
  const { signal } = new AbortController()
  const begin = (to: string): { path: string; to: string; copy: PageCopy } => ({ path, to, copy: beginCopy(path, to) })
  const first = begin(`${path}.1`)
  const [second, third] = [begin(`${path}.2`), begin(`${path}.3`)]
  assert.ok(first.copy.rest.copied.size > 100)
  writer.exec('DELETE FROM t WHERE id % 2 = 0; PRAGMA wal_checkpoint(PASSIVE)')
  const inChild = await finishCopy(first, signal)
  const here = await second.copy.finish()
  const execPath = process.execPath
  process.execPath = '/nowhere/node'
  try {
    assert.deepEqual(await finishCopy(third, signal), here)
  } finally {
    process.execPath = execPath
  }
  assert.deepEqual(inChild, here)
  assert.ok(here.bytes > 16 << 20)
  for (const { to } of [first, second, third])
    assert.equal(createHash('sha256').update(fs.readFileSync(to)).digest('hex'), here.sha256)
  const copy = openDatabase(first.to)
  assert.deepEqual(copy.all('SELECT * FROM t ORDER BY id'), rows)
  copy.close()
  // A rename in its place is no change of the file that is held
  const other = openDatabase(`${path}.other`)
  other.exec('CREATE TABLE t(id INTEGER PRIMARY KEY, a)')
  other.exec(`${fill} INSERT INTO t SELECT i, zeroblob(2000) FROM n`)
  other.close()
  const moved = begin(`${path}.5`)
  const expected = await beginCopy(path, `${path}.6`).finish()
  fs.renameSync(`${path}.other`, path)
  assert.deepEqual(await finishCopy(moved, signal), expected)
  const stop = new AbortController()
  const fourth = begin(`${path}.4`)
  const stopped = finishCopy(fourth, stop.signal)
  stop.abort()
  await assert.rejects(stopped, { code: 'INTERRUPTED' })
  fourth.copy.close()
  for (const each of [reader, writer]) each.close()
})

test('[P12] what is copied in a process of its own is found rotten, durable or not, before it counts as a backup', async (t) => {
  const folder = temporaryFolder(t)
  const path = join(folder, 'a.db')
  const db = openDatabase(path)
  db.exec('CREATE TABLE t(id INTEGER PRIMARY KEY, a)')
  db.exec(
    'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9000) INSERT INTO t SELECT i, randomblob(2000) FROM n',
  )
  db.close()
  const driver = async (): Promise<never> => assert.fail('it is not looked at here')
  const { signal } = new AbortController()
  const stop = new AbortController()
  const stopped = checkCopy(path, driver, stop.signal)
  stop.abort()
  await assert.rejects(stopped, { code: 'INTERRUPTED' })
  const whole = await checkCopy(path, driver, signal)
  const digest = createHash('sha256').update(fs.readFileSync(path)).digest('hex')
  assert.deepEqual(whole, { damage: null, readBack: { sha256: digest, bytes: fs.statSync(path).size } })
  // A process of its own that cannot be started, or dies: what the kernel says of the writes is asked for here
  const { execPath } = process
  process.execPath = '/nowhere/node'
  const heal = replaceDisk((real) => ({
    ...real,
    fsync: () => {
      throw Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO' })
    },
  }))
  await assert.rejects(checkCopy(path, driver, signal), { code: 'EIO' })
  heal()
  process.execPath = execPath
  const fd = fs.openSync(path, 'r+')
  fs.writeSync(fd, Buffer.alloc(4096, 7), 0, 4096, 4096 * 3)
  fs.closeSync(fd)
  const { damage, readBack } = await checkCopy(path, driver, signal)
  assert.match(damage ?? '', /integrity_check|SQLite cannot read/)
  assert.notEqual(readBack?.sha256, digest)
})
