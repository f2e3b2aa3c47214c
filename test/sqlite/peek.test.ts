import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { replaceDisk } from '#moult/disk/disk.js'
import { peek } from '#moult/stores/sqlite/peek.js'
import {
  age,
  copyDatabase,
  type Database,
  fingerprint,
  makeDirectory,
  openDatabase,
  readWithSqlite,
} from './peek-fixture.js'

const marker = 'moult_steps'

/** A database with one step in its marker and user_version 1. */
function makeDatabase(path: string, mode = 'delete'): Database {
  const db = openDatabase(path)
  db.exec(
    `PRAGMA journal_mode=${mode}; CREATE TABLE ${marker}(version INTEGER PRIMARY KEY, name TEXT); CREATE TABLE data(x)`,
  )
  addStep(db, 1)
  return db
}

function addStep(db: Database, version: number): void {
  db.exec(`BEGIN; INSERT INTO ${marker} VALUES (${version}, 'step ${version}'); PRAGMA user_version=${version}; COMMIT`)
}

async function versionsAt(path: string): Promise<unknown> {
  const seen = await peek(path, [marker])
  assert.ok(seen.state === 'database', seen.state === 'unreadable' ? seen.reason : seen.state)
  return { userVersion: seen.userVersion, steps: seen.tables[marker]?.rows.map((row) => row['version']) }
}

test('[P3] a crash with an un-checkpointed WAL: the version in the WAL counts, not the one in the header', async (t) => {
  const directory = makeDirectory(t)
  const db = makeDatabase(join(directory, 'app.db'), 'wal')
  db.pragma('wal_checkpoint(TRUNCATE)')
  addStep(db, 2)
  const path = copyDatabase(join(directory, 'app.db'), join(directory, 'crashed.db'))
  db.close()
  assert.equal(readFileSync(path).readInt32BE(60), 1, 'the header is old')
  assert.deepEqual(await versionsAt(path), { userVersion: 2, steps: [1, 2] })
})

/** The state that SIGKILL at the journal's unlink leaves: the commit's pages are in the file, its journal stands there. */
function killAtUnlink(directory: string): string {
  const live = join(directory, 'live.db')
  const db = makeDatabase(live)
  db.exec(`BEGIN; INSERT INTO ${marker} VALUES (2, 'step 2'); PRAGMA user_version=2`)
  linkSync(`${live}-journal`, join(directory, 'killed.db-journal'))
  db.exec('COMMIT')
  db.close()
  copyFileSync(live, join(directory, 'killed.db'))
  return join(directory, 'killed.db')
}

test('[P3] a kill at the journal unlink of a COMMIT: the header says 2, the truth is 1', async (t) => {
  const path = killAtUnlink(makeDirectory(t))
  assert.equal(readFileSync(path).readInt32BE(60), 2, 'the header is ahead')
  assert.deepEqual(await versionsAt(path), { userVersion: 1, steps: [1] })
  const seen = await peek(path, [])
  assert.ok(seen.state === 'database' && seen.hot)
  assert.equal(readWithSqlite(path, [marker]).userVersion, 1)
})

test('[P3] journals that are done with (zeroed, emptied, cut short, of a foreign kind) put nothing back', async (t) => {
  const path = killAtUnlink(makeDirectory(t))
  const journal = readFileSync(`${path}-journal`)
  const zeroed = Buffer.from(journal).fill(0, 0, 28)
  for (const done of [zeroed, Buffer.alloc(0), journal.subarray(0, 511), Buffer.from('not a journal'.repeat(100))]) {
    writeFileSync(`${path}-journal`, done)
    assert.deepEqual(await versionsAt(path), { userVersion: 2, steps: [1, 2] })
    const copy = copyDatabase(path, `${path}.copy`)
    assert.equal(readWithSqlite(copy, [marker]).userVersion, 2, 'and SQLite agrees')
  }
})

test('[P3] a commit over two databases: its journals count only as long as the super-journal is there', async (t) => {
  const directory = makeDirectory(t)
  const [a, b] = [join(directory, 'a.db'), join(directory, 'b.db')]
  makeDatabase(b).close()
  const db = makeDatabase(a)
  db.exec(`ATTACH '${b}' AS b; BEGIN EXCLUSIVE; PRAGMA main.user_version=2; PRAGMA b.user_version=2`)
  linkSync(`${a}-journal`, join(directory, 'a.saved'))
  linkSync(`${b}-journal`, join(directory, 'b.saved'))
  db.exec('COMMIT')
  db.close()
  const journal = readFileSync(join(directory, 'a.saved'))
  const length = journal.readUInt32BE(journal.length - 16)
  const superJournal = journal.toString('utf8', journal.length - 16 - length, journal.length - 16)
  assert.match(superJournal, /-mj/)

  const states = {
    'the super-journal is gone': { userVersion: 2, write: () => rmSync(superJournal, { force: true }) },
    'an empty one counts as gone': { userVersion: 2, write: () => writeFileSync(superJournal, '') },
    'it is there': { userVersion: 1, write: () => writeFileSync(superJournal, `${a}-journal\0${b}-journal\0`) },
  }
  const saved = { a: readFileSync(a), b: readFileSync(b) }
  for (const [name, { userVersion, write }] of Object.entries(states)) {
    for (const path of [a, b]) {
      copyFileSync(join(directory, path === a ? 'a.saved' : 'b.saved'), `${path}-journal`)
      write()
      const seen = await peek(path, [])
      assert.ok(seen.state === 'database')
      assert.deepEqual([seen.userVersion, seen.hot], [userVersion, userVersion === 1], name)
      assert.equal(readWithSqlite(path, []).userVersion, userVersion, `SQLite: ${name}`)
      writeFileSync(path, path === a ? saved.a : saved.b)
    }
  }
  // A torn name means that the super-journal was never complete: roll back, wherever it is.
  rmSync(superJournal, { force: true })
  journal.writeUInt8(journal.readUInt8(journal.length - 17) ^ 1, journal.length - 17)
  writeFileSync(`${a}-journal`, journal)
  const torn = await peek(a, [])
  assert.ok(torn.state === 'database')
  assert.equal(torn.userVersion, 1)
  assert.equal(readWithSqlite(a, []).userVersion, 1)
})

for (const mode of ['delete', 'truncate', 'persist', 'wal']) {
  test(`[G6] looking at a database (${mode}) changes no byte, no time and no name, closed, open or crashed`, async (t) => {
    const directory = makeDirectory(t)
    const path = join(directory, 'app.db')
    const look = async () => {
      const before = fingerprint(directory)
      await versionsAt(path)
      assert.deepEqual(fingerprint(directory), before)
    }
    makeDatabase(path, mode).close()
    await look()
    const db = openDatabase(path)
    db.exec(`BEGIN; INSERT INTO data VALUES (1)`)
    await look()
    const crashed = makeDirectory(t)
    copyDatabase(path, join(crashed, 'app.db'))
    db.exec('ROLLBACK')
    db.close()
    const before = fingerprint(crashed)
    await versionsAt(join(crashed, 'app.db'))
    assert.deepEqual(fingerprint(crashed), before)
  })
}

test('[P3] a clean WAL database, a WAL and a hot journal on a read-only mount are read', async (t) => {
  if (process.getuid?.() !== 0) return t.skip('mounting needs root')
  const directory = makeDirectory(t)
  const mount = join(directory, 'mount')
  mkdirSync(mount)
  try {
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', mount], { stdio: 'ignore' })
  } catch {
    return t.skip('this machine does not let us mount')
  }
  try {
    const db = makeDatabase(join(directory, 'app.db'), 'wal')
    addStep(db, 2)
    copyDatabase(join(directory, 'app.db'), join(mount, 'wal.db'))
    db.close()
    copyDatabase(join(directory, 'app.db'), join(mount, 'clean.db'))
    copyDatabase(killAtUnlink(directory), join(mount, 'hot.db'))
    execFileSync('mount', ['-o', 'remount,ro', mount])
    assert.throws(() => writeFileSync(join(mount, 'x'), ''), { code: 'EROFS' })
    assert.deepEqual(await versionsAt(join(mount, 'clean.db')), { userVersion: 2, steps: [1, 2] })
    assert.deepEqual(await versionsAt(join(mount, 'wal.db')), { userVersion: 2, steps: [1, 2] })
    assert.deepEqual(await versionsAt(join(mount, 'hot.db')), { userVersion: 1, steps: [1] })
  } finally {
    // Lazily, because pins stay open until the process ends.
    execFileSync('umount', ['-l', mount])
  }
})

test('[G8] no file, no content and lost content are told apart', async (t) => {
  const directory = makeDirectory(t)
  const path = join(directory, 'app.db')
  const set = (main: Buffer | null, wal: Buffer | null, journal: Buffer | null) => {
    for (const [suffix, bytes] of Object.entries({ '': main, '-wal': wal, '-journal': journal })) {
      rmSync(path + suffix, { force: true })
      if (bytes !== null) writeFileSync(path + suffix, bytes)
    }
  }
  const none = Buffer.alloc(0)
  const some = Buffer.alloc(1000)
  const found = async () => {
    const seen = await peek(path, [])
    return seen.state === 'unreadable' ? `unreadable: ${seen.why}` : seen.state
  }
  const cases: [Buffer | null, Buffer | null, Buffer | null, string][] = [
    [null, null, null, 'absent'],
    [null, none, none, 'absent'],
    [none, null, null, 'empty'],
    [none, none, none, 'empty'],
    [Buffer.from('S'), null, null, 'empty'],
    [Buffer.from('S'), some, null, 'unreadable: sidecar'],
    [null, some, null, 'unreadable: sidecar'],
    [null, null, some, 'unreadable: sidecar'],
    [none, some, null, 'unreadable: sidecar'],
    [none, null, some, 'unreadable: sidecar'],
    [Buffer.from('{"version": 1}'), null, null, 'unreadable: no-magic'],
    [some, null, null, 'unreadable: no-magic'],
    [Buffer.from('SQLite format 3\0'), null, null, 'unreadable: malformed'],
  ]
  for (const [main, wal, journal, expected] of cases) {
    set(main, wal, journal)
    assert.equal(await found(), expected, `${main?.length} ${wal?.length} ${journal?.length}`)
  }
  rmSync(`${path}-journal`, { force: true })
  rmSync(path)
  mkdirSync(path)
  assert.equal(await found(), 'unreadable: disk', 'a directory')
  rmSync(path, { recursive: true })
  execFileSync('mkfifo', [path])
  assert.equal(await found(), 'unreadable: disk', 'a pipe, without waiting for a writer')
  rmSync(path)
  symlinkSync('nowhere', path)
  assert.equal(await found(), 'unreadable: disk', 'a symlink to nothing')
  assert.equal((await peek(join(directory, 'no', 'such', 'folder.db'), [])).state, 'absent')
})

test('[P3] a crash in the transaction that makes the database leaves no data, not a riddle', async (t) => {
  const directory = makeDirectory(t)
  const path = join(directory, 'app.db')
  const db = openDatabase(path)
  db.exec('PRAGMA cache_size=1; BEGIN; CREATE TABLE a(x)')
  const early = copyDatabase(path, join(directory, 'early.db'))
  assert.deepEqual([readFileSync(early).length, existsSync(`${early}-journal`)], [0, true])
  assert.deepEqual(await peek(early, []), { state: 'empty' })
  db.exec(
    'INSERT INTO a WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 90) SELECT zeroblob(4000) FROM n',
  )
  const late = copyDatabase(path, join(directory, 'late.db'))
  db.close()
  assert.ok(readFileSync(late).length > 0, 'pages have reached the file')
  assert.deepEqual(await peek(late, []), { state: 'empty' })
  assert.deepEqual(readWithSqlite(late, []).schema, [], 'and SQLite agrees')
})

test('[P13] a symlinked database: the sidecars beside the real file count, not those beside the link', async (t) => {
  const directory = makeDirectory(t)
  mkdirSync(join(directory, 'real'))
  const db = makeDatabase(join(directory, 'real', 'app.db'), 'wal')
  t.after(() => db.close())
  symlinkSync('real/app.db', join(directory, 'link.db'))
  assert.deepEqual(await versionsAt(join(directory, 'link.db')), { userVersion: 1, steps: [1] })
})

test('[G8] what cannot be read on this disk is said to be so, with the cause', async (t) => {
  const directory = makeDirectory(t)
  const path = join(directory, 'app.db')
  makeDatabase(path).close()
  for (const operation of ['read', 'open', 'fstat', 'stat', 'lstat'] as const) {
    const restore = replaceDisk((real) => ({
      ...real,
      [operation]: () => {
        throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' })
      },
    }))
    const seen = await peek(copyDatabaseAs(path, operation), []).finally(restore)
    assert.ok(seen.state === 'unreadable', operation)
    assert.equal(seen.why, 'disk', operation)
    assert.equal((seen.cause as { code?: unknown }).code, 'EIO')
  }
})

function copyDatabaseAs(path: string, name: string): string {
  copyFileSync(path, `${path}.${name}`)
  return `${path}.${name}`
}

test('[P3] files that never hold still are busy after 20 looks, not half read', async (t) => {
  const path = join(makeDirectory(t), 'app.db')
  makeDatabase(path).close()
  let looks = 0
  const restore = replaceDisk((real) => ({
    ...real,
    lstat: (at) => (looks++, real.lstat(at)),
    stat: (at) => Object.assign(real.stat(at), { mtimeNs: process.hrtime.bigint() }),
  }))
  const seen = await peek(path, []).finally(restore)
  assert.deepEqual([seen, looks], [{ state: 'busy' }, 20])
})

test('[P3] a write that the clock hides (same size, same mtime) is not mixed with what was there before', async (t) => {
  const directory = makeDirectory(t)
  const path = join(directory, 'app.db')
  const db = openDatabase(path)
  db.exec(`PRAGMA page_size=512; CREATE TABLE ${marker}(version INTEGER, name TEXT)`)
  const fill = (n: number) =>
    db.exec(
      `BEGIN; DELETE FROM ${marker}; INSERT INTO ${marker} WITH RECURSIVE i(v) AS (SELECT 1 UNION ALL SELECT v+1 FROM i WHERE v < 60) SELECT ${n}, printf('%080d', v) FROM i; COMMIT`,
    )
  fill(1)
  const old = readFileSync(path)
  fill(2)
  const now = readFileSync(path)
  db.close()
  assert.equal(old.length, now.length)
  writeFileSync(path, old)
  let reads = 0
  const frozen = BigInt(Date.now()) * 1_000_000n
  const restore = replaceDisk((real) => ({
    ...real,
    stat: (at) => Object.assign(real.stat(at), { mtimeNs: frozen }),
    read: (...args) => {
      if (++reads === 6) writeFileSync(path, now)
      return real.read(...args)
    },
  }))
  const seen = await peek(path, [marker]).finally(restore)
  assert.ok(seen.state === 'database')
  assert.deepEqual([...new Set(seen.tables[marker]?.rows.map((row) => row['version']))], [2])
  assert.equal(seen.tables[marker]?.rows.length, 60)
})

test('[G9] an old file is read once, a page at a time: one look is 3 stats, a pin and the pages of the marker', async (t) => {
  const path = join(makeDirectory(t), 'app.db')
  const db = makeDatabase(path)
  db.exec(
    'INSERT INTO data WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 500) SELECT zeroblob(4000) FROM n',
  )
  db.close()
  age(path)
  let bytes = 0
  const restore = replaceDisk((real) => ({
    ...real,
    read: (...args) => {
      const got = real.read(...args)
      bytes += got
      return got
    },
  }))
  await versionsAt(path).finally(restore)
  assert.equal(bytes, 100 + 2 * 4096)
})

test('[G8] a file that may not be read is unreadable, not absent', async (t) => {
  if (process.getuid?.() === 0) return t.skip('root may read everything')
  const path = join(makeDirectory(t), 'app.db')
  makeDatabase(path).close()
  chmodSync(path, 0)
  assert.equal((await peek(path, [])).state, 'unreadable')
})

test('[G8] a file cut off in its midst is malformed', async (t) => {
  const path = join(makeDirectory(t), 'app.db')
  makeDatabase(path).close()
  truncateSync(path, 4096)
  const seen = await peek(path, [marker])
  assert.ok(seen.state === 'unreadable')
  assert.equal(seen.why, 'malformed')
})
