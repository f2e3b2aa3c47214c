import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { defineState, isMoultError, sqlite } from 'moult'
import type { MoultError, State } from 'moult'
import { fails } from '../records/state.js'
import { openDatabase } from '../support/sqlite.js'
import { contentOf } from './content.js'
import { index, log, notes, oldState, vault } from './small-state.js'

async function upgradedState(t: TestContext): Promise<{ root: string; state: State; id: string; before: unknown }> {
  const { root, state } = oldState(t)
  const db = openDatabase(join(root, 'log.db'))
  db.exec('PRAGMA journal_mode = WAL')
  db.close()
  const before = contentOf(root)
  const { id } = await state.backups.create()
  await state.upgrade()
  assert.notDeepEqual(contentOf(root), before)
  return { root, state, id, before }
}

test('[A13] [A9] a restore brings back every store as it was, journal modes, modes and times too, and can be undone by another', async (t) => {
  const { root, state, id, before } = await upgradedState(t)
  const upgraded = contentOf(root)
  const report = await state.backups.restore(id)
  assert.deepEqual(contentOf(root), before)
  assert.equal(report.outcome, 'restored')
  assert.deepEqual(
    report.stores.map(({ name, status }) => [name, status]),
    [
      ['notes', 'legacy'],
      ['vault', 'legacy'],
      ['log', 'legacy'],
      ['index', 'legacy'],
    ],
  )
  const kept = (await state.backups.list()).at(-1)!
  assert.deepEqual([kept.id, kept.cause, kept.whole], [report.backup, 'restore', true])
  assert.deepEqual(await state.backups.verify(), [])
  assert.ok(!fs.existsSync(join(root, '.moult/run')))

  // Twice in a row is the same as once
  await state.backups.restore(id)
  assert.deepEqual(contentOf(root), before)
  await state.backups.restore(kept.id)
  assert.deepEqual(contentOf(root), upgraded)
  assert.equal((await state.upgrade()).outcome, 'up-to-date')
})

test('[A13] what is as it should be keeps its inode, what the backup does not have leaves, derived files of what changed too', async (t) => {
  const { root, state } = oldState(t)
  const { id } = await state.backups.create()
  const inode = fs.statSync(join(root, 'vault/b.blob')).ino
  fs.writeFileSync(join(root, 'vault/new.blob'), 'new')
  fs.mkdirSync(join(root, 'notes/deep/er'), { recursive: true })
  fs.writeFileSync(join(root, 'vault/a.blob'), 'changed')
  fs.rmSync(join(root, 'vault/crypto'), { recursive: true })
  fs.writeFileSync(join(root, 'elsewhere.txt'), 'still nobody’s')
  await state.backups.restore(id)
  assert.equal(fs.statSync(join(root, 'vault/b.blob')).ino, inode)
  assert.ok(!fs.existsSync(join(root, 'vault/new.blob')))
  assert.equal(fs.readFileSync(join(root, 'vault/a.blob'), 'utf8'), 'first')
  assert.ok(!fs.existsSync(join(root, 'vault/.cache/a.idx')))
  assert.equal(fs.statSync(join(root, 'vault/crypto/master.key')).mode & 0o777, 0o400)
  assert.equal(fs.readFileSync(join(root, 'elsewhere.txt'), 'utf8'), 'still nobody’s')
})

test('[A13] stale logs, garbage and missing files in its place are no obstacle', async (t) => {
  const { root, state, id, before } = await upgradedState(t)
  fs.writeFileSync(join(root, 'log.db'), 'garbage')
  fs.writeFileSync(join(root, 'log.db-wal'), 'stale')
  fs.rmSync(join(root, 'data/index.db'))
  await state.backups.restore(id)
  assert.deepEqual(contentOf(root), before)
  assert.ok(!fs.existsSync(join(root, 'log.db-wal')))

  const other = openDatabase(join(root, 'fresh.db'))
  other.exec('PRAGMA page_size = 512; CREATE TABLE t(x)')
  other.close()
  fs.renameSync(join(root, 'fresh.db'), join(root, 'log.db'))
  await state.backups.restore(id)
  assert.deepEqual(contentOf(root), before)

  // A log whose frames are good, left by a process that was killed
  const script = `
    const { openDatabase } = await import(${JSON.stringify(new URL('../support/sqlite.js', import.meta.url).href)})
    const db = openDatabase(process.argv[1])
    db.exec('PRAGMA wal_autocheckpoint = 0; DELETE FROM item')
    process.kill(process.pid, 'SIGKILL')`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, join(root, 'log.db')])
  await new Promise((resolve) => child.on('exit', resolve))
  assert.ok(fs.statSync(join(root, 'log.db-wal')).size > 0)
  await state.backups.restore(id)
  assert.deepEqual(contentOf(root), before)
})

test('[A13] [P7] beside other connections it is refused, naming who has the database open, and nothing has changed', async (t) => {
  const { root, state, id } = await upgradedState(t)
  const upgraded = contentOf(root)
  const statuses = (await state.status()).stores.map(({ status }) => status)
  for (const [path, sql] of [
    ['log.db', 'SELECT 1'],
    ['log.db', 'BEGIN; SELECT * FROM item'],
    ['data/index.db', 'SELECT 1'],
    ['data/index.db', 'BEGIN IMMEDIATE'],
  ] as const) {
    const script = `
      const { openDatabase } = await import(${JSON.stringify(new URL('../support/sqlite.js', import.meta.url).href)})
      const db = openDatabase(process.argv[1])
      db.exec(process.argv[2])
      console.log('open')
      setInterval(() => db.all('SELECT 1'), 1e6)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, join(root, path), sql], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    t.after(() => child.kill('SIGKILL'))
    await new Promise((resolve) => child.stdout.once('data', resolve))
    const backups = (await state.backups.list()).length
    await assert.rejects(state.backups.restore(id, { waitMs: 200 }), (error) => {
      assert.ok(fails('IN_USE', process.platform === 'linux' ? new RegExp(`pid ${child.pid}`) : /./)(error))
      const { report } = error as MoultError
      assert.equal(report?.outcome, 'refused')
      assert.deepEqual(
        report?.stores.map(({ status }) => status),
        statuses,
      )
      return true
    })
    child.kill('SIGKILL')
    await new Promise((resolve) => child.on('exit', resolve))
    assert.deepEqual(contentOf(root), upgraded, `${path}: ${sql}`)
    assert.equal((await state.backups.list()).length, backups, 'nothing was kept of what was not replaced')
    assert.ok(!fs.existsSync(join(root, '.moult/run')))
  }
  const own = openDatabase(join(root, 'data/index.db'))
  await assert.rejects(state.backups.restore(id, { waitMs: 100 }), fails('IN_USE', /this process/))
  own.close()
  const held = await state.open()
  await assert.rejects(state.backups.restore(id, { waitMs: 100 }), fails('IN_USE', /this process/))
  await held.close()
})

test('[A13] an older program, which does not know a store, takes it back too', async (t) => {
  const { root, state, before } = await (async () => {
    const { root, state } = oldState(t)
    fs.rmSync(join(root, 'data'), { recursive: true })
    return { root, state, before: contentOf(root) }
  })()
  const { id } = await state.backups.create()
  await state.upgrade()
  assert.ok(fs.existsSync(join(root, 'data/index.db')), 'the newer program made a database')
  const older = defineState({ app: 'agent', appVersion: '1.0.0', stores: [notes, vault, log] }).in(root)
  await older.backups.restore(id)
  assert.deepEqual(contentOf(root), before)
  assert.ok(!fs.existsSync(join(root, 'data')))
  // The history knows that the database was here; that it is gone is no loss now
  assert.equal((await state.upgrade()).outcome, 'upgraded')
})

test('[A13] a backup of which a byte changed is refused, and taken with skipVerify', async (t) => {
  const { root, state, id } = await upgradedState(t)
  const stored = join(root, '.moult/backups', id, 'stores/vault/vault/a.blob')
  fs.chmodSync(stored, 0o600)
  fs.writeFileSync(stored, 'FIRST')
  const upgraded = contentOf(root)
  await assert.rejects(state.backups.restore(id), fails('BACKUP_BAD', /vault\/a\.blob of 'vault' has other bytes/))
  assert.deepEqual(contentOf(root), upgraded)
  await state.backups.restore(id, { skipVerify: true })
  assert.equal(fs.readFileSync(join(root, 'vault/a.blob'), 'utf8'), 'FIRST')
})

test('[A13] a program that knows nothing of moult and kept the old file open cannot write to it unnoticed', async (t) => {
  const { root, state, id } = await upgradedState(t)
  // As if the system did not tell: the connection is opened between the look and the lock
  const path = join(root, 'data/index.db')
  const idle = openDatabase(path)
  idle.all('SELECT count(*) FROM item')
  const moved = join(root, 'moved.db')
  fs.copyFileSync(path, moved)
  fs.renameSync(moved, path)
  assert.throws(() => idle.exec('DELETE FROM item'), /readonly/)
  idle.close()
  await state.backups.restore(id)
})

test('[A17] [G6] a program that refuses newer data names the backup that would bring it back to work', async (t) => {
  const { root, state, before } = await upgradedState(t)
  const older = defineState({
    app: 'agent',
    appVersion: '1.0.0',
    stores: [
      notes,
      vault,
      sqlite('log', { path: 'log.db' })
        .step('create', { up: 'CREATE TABLE item(id INTEGER PRIMARY KEY, body TEXT, file TEXT)' })
        .adopt({ at: 'create' }),
      index,
    ],
  }).in(root)
  let named = ''
  await assert.rejects(older.open(), (error) => {
    assert.ok(isMoultError(error, 'STORE_NEWER'))
    assert.match(
      error.message,
      /'log'.* is at version 2, written by agent 2\.0\.0; this is agent 1\.0\.0, which knows 1/,
    )
    named = /restore the backup (\S+), of/.exec(error.hint)?.[1] ?? ''
    return true
  })
  assert.equal(named, (await state.backups.list()).at(-1)?.id, 'the newest: the upgrade made it')
  await older.backups.restore(named)
  assert.deepEqual(contentOf(root), before)
  await (await older.open()).close()
  // Without such a backup nothing is promised
  await state.upgrade()
  fs.rmSync(join(root, '.moult/backups'), { recursive: true })
  await assert.rejects(older.open(), (error) => isMoultError(error, 'STORE_NEWER') && !error.hint.includes('backup'))
})

test('[A13] a directory that stands where a file was makes way; a symlink or a pipe there is refused, and nothing has changed', async (t) => {
  for (const [what, block, code] of [
    ['empty directory', (path: string) => fs.mkdirSync(path), null],
    ['full directory', (path: string) => (fs.mkdirSync(path), fs.writeFileSync(join(path, 'x'), 'x')), null],
    ['symlink', (path: string) => fs.symlinkSync('/etc/passwd', path), 'FILE_UNSUPPORTED'],
    ['pipe', (path: string) => execFileSync('mkfifo', [path]), 'FILE_UNSUPPORTED'],
  ] as const) {
    const { root, state } = oldState(t)
    const before = contentOf(root)
    const { id } = await state.backups.create()
    fs.rmSync(join(root, 'vault/b.blob'))
    block(join(root, 'vault/b.blob'))
    if (code === null) {
      await state.backups.restore(id)
      assert.deepEqual(contentOf(root), before, what)
    } else {
      await assert.rejects(state.backups.restore(id), fails(code), what)
      assert.ok(!fs.lstatSync(join(root, 'vault/b.blob')).isFile(), what)
      assert.ok(!fs.existsSync(join(root, '.moult/run')), what)
    }
  }
})
