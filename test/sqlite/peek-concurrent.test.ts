import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { peek } from '#moult/stores/sqlite/peek.js'
import { betterSqlite3Path, copyDatabase, makeDirectory, openDatabase, readWithSqlite } from './peek-fixture.js'

/** Moves money between 40 accounts on as many pages, in transactions that outgrow the cache, until it is killed. */
const writer = `
const db = new (require(process.argv[1]))(process.argv[2])
const [mode, synchronous, restMs] = process.argv.slice(3)
db.pragma('page_size=512'); db.pragma('journal_mode=' + mode); db.pragma('synchronous=' + synchronous); db.pragma('cache_size=2')
db.exec('CREATE TABLE IF NOT EXISTS account(id INTEGER PRIMARY KEY, balance INTEGER, filler)')
if (!db.prepare('SELECT 1 FROM account').get())
  db.exec("INSERT INTO account WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 40) SELECT i, 100, printf('%0400d', i) FROM n")
db.pragma('wal_autocheckpoint=30')
process.stdout.write('ready')
const give = db.prepare('UPDATE account SET balance = balance + ? WHERE id = ?')
for (;;) {
  db.exec('BEGIN IMMEDIATE')
  for (let i = 1; i <= 40; i++) give.run(i <= 20 ? 1 : -1, i)
  db.exec(Math.random() < 0.1 ? 'ROLLBACK' : 'COMMIT')
  if (restMs > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, +restMs)
}`

async function startWriter(path: string, mode: string, synchronous: string, restMs: number): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['-e', writer, betterSqlite3Path, path, mode, synchronous, String(restMs)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  return child
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}

const modes = ['delete', 'truncate', 'persist', 'wal'] as const

for (const mode of modes) {
  test(`[P3] after a SIGKILL at any moment (${mode}) it reads what SQLite recovers`, async (t) => {
    const directory = makeDirectory(t)
    const path = join(directory, 'app.db')
    let unfinished = 0
    for (let round = 0; round < 6; round++) {
      const child = await startWriter(path, mode, round % 2 === 0 ? 'OFF' : 'FULL', 0)
      await pause(Math.random() * 30)
      await kill(child)
      const copy = copyDatabase(path, join(directory, 'killed.db'))
      const seen = await peek(copy, ['account'])
      assert.ok(seen.state === 'database', seen.state === 'unreadable' ? seen.reason : seen.state)
      if (seen.hot || mode === 'wal') unfinished++
      const expected = readWithSqlite(copy, ['account'])
      assert.deepEqual(seen.tables['account']?.rows, expected.tables['account'])
      assert.equal(sum(seen.tables['account']?.rows), 4000)
    }
    assert.ok(unfinished > 0, 'some kill left something to recover')
  })

  test(`[P3] beside a writer that never rests (${mode}) it sees whole transactions, or says that it cannot`, async (t) => {
    const path = join(makeDirectory(t), 'app.db')
    const counts = { database: 0, busy: 0 }
    for (const restMs of [0, 5]) {
      const child = await startWriter(path, mode, 'OFF', restMs)
      t.after(() => child.kill('SIGKILL'))
      const end = Date.now() + 400
      while (Date.now() < end) {
        const seen = await peek(path, ['account'])
        assert.ok(
          seen.state === 'database' || seen.state === 'busy',
          seen.state === 'unreadable' ? seen.reason : seen.state,
        )
        counts[seen.state]++
        if (seen.state === 'database') assert.equal(sum(seen.tables['account']?.rows), 4000)
      }
      await kill(child)
    }
    t.diagnostic(JSON.stringify(counts))
    assert.ok(counts.database > 0)
  })
}

function sum(rows: readonly Readonly<Record<string, unknown>>[] | undefined): number {
  return rows?.reduce((total, row) => total + Number(row['balance']), 0) ?? 0
}

const others = {
  'better-sqlite3': (path: string) => {
    const script = `const db = new (require(process.argv[1]))(process.argv[2]); db.prepare('SELECT * FROM t').all(); db.close()`
    return [process.execPath, '-e', script, betterSqlite3Path, path]
  },
  'the sqlite3 shell': (path: string) => ['sqlite3', path, 'SELECT * FROM t'],
}

/**
 * An app's open database, a look at it, another program that opens and closes it, and the app goes on writing. The
 * other program, finding no lock, takes itself for the last and deletes the -wal (not since SQLite 3.53, which looks
 * at the locks of the -shm too).
 */
async function rowsLeftAfter(
  directory: string,
  other: readonly string[],
  look: () => Promise<unknown>,
): Promise<number> {
  const path = join(directory, 'app.db')
  const app = openDatabase(path)
  app.exec('PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES (1)')
  await look()
  execFileSync(other[0] ?? '', other.slice(1))
  app.exec('INSERT INTO t VALUES (2); INSERT INTO t VALUES (3)')
  const left = readWithSqlite(copyDatabase(path, join(directory, 'left.db')), ['t']).tables['t']
  app.close()
  return left?.length ?? 0
}

for (const [name, command] of Object.entries(others)) {
  test(`[P1] no row of the app's WAL is lost after a look in its own process, when ${name} opens and closes it`, async (t) => {
    if (name !== 'better-sqlite3' && spawnSync('sqlite3', ['-version']).status !== 0)
      return t.skip('not installed here')
    const path = join(makeDirectory(t), 'app.db')
    const look = async () => {
      for (let i = 0; i < 3; i++) assert.equal((await peek(path, ['t'])).state, 'database')
    }
    assert.equal(await rowsLeftAfter(dirname(path), command(path), look), 3)
  })
}

test('[P1] the locks of an app in the same process are still there after a look, as they are not after a plain read', async (t) => {
  if (process.platform !== 'linux') return t.skip('/proc/locks is only on Linux')
  const path = join(makeDirectory(t), 'app.db')
  const app = openDatabase(path)
  app.exec('PRAGMA journal_mode=WAL; CREATE TABLE t(a); BEGIN; INSERT INTO t VALUES (1)')
  const before = locksOf(path)
  assert.ok(before.length > 0)
  for (let i = 0; i < 3; i++) assert.equal((await peek(path, ['t'])).state, 'database')
  assert.deepEqual(locksOf(path), before)
  readFileSync(path)
  assert.deepEqual(locksOf(path), [])
  app.close()
})

/** The kernel's locks on the database file itself, without their numbers. */
function locksOf(path: string): string[] {
  const { ino } = statSync(path)
  const locks = readFileSync('/proc/locks', 'utf8').split('\n')
  return locks.filter((line) => line.includes(`:${ino} `)).map((line) => line.replace(/^\d+: /, ''))
}

test('[P1] a write transaction of the app in the same process keeps others out, during and after a look', async (t) => {
  const path = join(makeDirectory(t), 'app.db')
  const app = openDatabase(path)
  app.exec('CREATE TABLE t(a); BEGIN IMMEDIATE; INSERT INTO t VALUES (1)')
  const seen = await peek(path, ['t'])
  assert.ok(seen.state === 'database')
  assert.deepEqual(seen.tables['t']?.rows, [], 'uncommitted rows are not seen')
  const script = `const db = new (require(process.argv[1]))(process.argv[2], { timeout: 0 }); db.exec('BEGIN IMMEDIATE')`
  const tryToWrite = () => spawnSync(process.execPath, ['-e', script, betterSqlite3Path, path], { encoding: 'utf8' })
  assert.match(tryToWrite().stderr, /database is locked/)
  readFileSync(path)
  assert.equal(tryToWrite().status, 0, 'a plain read lets others in')
  app.exec('ROLLBACK')
  app.close()
})
