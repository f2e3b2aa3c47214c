import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { RunEvent, State } from 'moult'
import { fails } from '../records/state.js'
import { footprint } from '../support/footprint.js'
import { openDatabase } from '../support/sqlite.js'
import { contentOf as everything } from './content.js'
import { fill, oldState } from './small-state.js'

const folderOf = (root: string, id: string): string => join(root, '.moult/backups', id)

function contentOf(path: string): unknown {
  const db = openDatabase(path)
  const rows = db.all('SELECT * FROM item ORDER BY id')
  const check = db.all('PRAGMA integrity_check')
  db.close()
  return [rows, check]
}

const names = async (state: State): Promise<string[]> => (await state.backups.list()).map(({ id }) => id)

test('[A12] [A16] a backup has every store as plain files with a manifest: rows in the log, keys, modes', async (t) => {
  const { root, state } = oldState(t)
  const app = openDatabase(join(root, 'log.db'))
  app.exec('PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0')
  fill(app, 1001, 1100)
  const before = footprint(root)
  const made = await state.backups.create({ reason: 'nightly', metadata: { by: 'cron', n: [1, null] } })
  const { '.': _, 'log.db-shm': __, ...after } = footprint(root)
  assert.deepEqual(
    { '.': _, 'log.db-shm': __, ...after },
    { ...before, '.': _, 'log.db-shm': __ },
    'same bytes and times',
  )
  app.close()
  assert.deepEqual(
    [made.reason, made.metadata, made.moment, made.whole, made.cause, made.appVersion, made.stores],
    [
      'nightly',
      { by: 'cron', n: [1, null] },
      'exact',
      true,
      'command',
      '2.0.0',
      { notes: null, vault: null, log: null, index: null },
    ],
  )
  assert.deepEqual(await state.backups.list(), [made])
  const stores = join(folderOf(root, made.id), 'stores')
  assert.deepEqual(fs.readdirSync(stores).sort(), ['index', 'log', 'notes', 'vault'])
  assert.equal(fs.readFileSync(join(stores, 'vault/vault/crypto/master.key'), 'utf8'), 'k'.repeat(32))
  assert.ok(!fs.existsSync(join(stores, 'vault/vault/.cache')), 'what the app makes anew is not kept')
  const manifest = JSON.parse(fs.readFileSync(join(folderOf(root, made.id), 'manifest.json'), 'utf8'))
  const files = new Map(manifest.stores.flatMap((store: any) => store.files.map((file: any) => [file.path, file])))
  assert.equal((files.get('vault/crypto/master.key') as any).mode, 0o400)
  assert.equal(
    fs.statSync(join(stores, 'vault/vault/a.blob')).mode & 0o777,
    0o400,
    'nobody changes a backup by mistake',
  )
  assert.equal(fs.statSync(folderOf(root, made.id)).mode & 0o777, 0o700)
  assert.deepEqual(contentOf(join(stores, 'log/log.db')), contentOf(join(root, 'log.db')))
  assert.deepEqual(contentOf(join(stores, 'index/data/index.db')), contentOf(join(root, 'data/index.db')))
  assert.deepEqual(await state.backups.verify(), [])
})

test('[A12] [P12] a second backup links what has not changed, and never to live data', async (t) => {
  const { root, state } = oldState(t)
  const one = await state.backups.create()
  fs.appendFileSync(join(root, 'vault/a.blob'), ' more')
  const db = openDatabase(join(root, 'log.db'))
  db.exec('DELETE FROM item WHERE id = 7')
  db.close()
  const two = await state.backups.create()
  const inode = (path: string): number => fs.statSync(path).ino
  const stored = (id: string, path: string): string => join(folderOf(root, id), 'stores', path)
  for (const path of [
    'notes/notes/n1.json',
    'vault/vault/b.blob',
    'vault/vault/crypto/master.key',
    'index/data/index.db',
  ])
    assert.equal(inode(stored(one.id, path)), inode(stored(two.id, path)), path)
  for (const path of ['vault/vault/a.blob', 'log/log.db'])
    assert.notEqual(inode(stored(one.id, path)), inode(stored(two.id, path)), path)
  assert.notEqual(inode(stored(two.id, 'vault/vault/b.blob')), inode(join(root, 'vault/b.blob')))
  assert.deepEqual(await state.backups.verify(), [])

  // Rot in the older one is not passed on
  const rotten = stored(two.id, 'vault/vault/b.blob')
  fs.chmodSync(rotten, 0o600)
  fs.writeFileSync(rotten, 'SECOND'.repeat(5000))
  const three = await state.backups.create()
  assert.deepEqual(await state.backups.verify(three.id), [])
  assert.equal((await state.backups.verify(two.id)).length, 1)
  assert.match((await state.backups.verify(two.id))[0]!.message, /vault\/b\.blob has other bytes/)
})

test('[A12] a packed backup is smaller, verifies, and its files can be unpacked by hand', async (t) => {
  const { root, state } = oldState(t)
  const made = await state.backups.create({ compress: true })
  const packed = join(folderOf(root, made.id), 'stores/log/log.db.gz')
  assert.ok(fs.statSync(packed).size < fs.statSync(join(root, 'log.db')).size / 2)
  assert.deepEqual(await state.backups.verify(), [])
  const { gunzipSync } = await import('node:zlib')
  assert.equal(gunzipSync(fs.readFileSync(packed)).length, fs.statSync(join(root, 'log.db')).size)
  const again = await state.backups.create({ compress: true })
  assert.equal(
    fs.statSync(packed).ino,
    fs.statSync(join(folderOf(root, again.id), 'stores/log/log.db.gz')).ino,
    'linked too',
  )
  fs.chmodSync(packed, 0o600)
  fs.truncateSync(packed, 100)
  assert.match((await state.backups.verify(made.id))[0]!.message, /log\.db cannot be unpacked/)
})

test('[A13] pruning keeps the newest, and the newest whole one in any case', async (t) => {
  const { root, state } = oldState(t)
  t.mock.timers.enable({ apis: ['Date'], now: new Date('2026-11-21T10:00:00Z') })
  const made = [await state.backups.create(), await state.backups.create(), await state.backups.create()]
  assert.equal(new Set(await names(state)).size, 3, 'three with a frozen clock are three')
  t.mock.timers.tick(1000)
  const last = await state.backups.create()
  fs.rmSync(join(folderOf(root, last.id), 'stores/vault/vault/a.blob'))
  assert.deepEqual(await state.backups.prune({ keep: 4 }), { removed: [], freed: 0 })
  const { removed } = await state.backups.prune({ keep: 1 })
  assert.equal(removed.length, 2)
  const left = await names(state)
  assert.equal(left.length, 2)
  assert.ok(left.includes(last.id), 'the newest')
  assert.ok(
    made.some(({ id }) => left.includes(id)),
    'and the newest whole one',
  )
  await state.backups.prune({ keep: 0 })
  assert.equal((await names(state)).length, 1)
  assert.deepEqual(await state.backups.verify((await names(state))[0]), [])
})

test('[A17] what is no database is kept as it lies there, and said to be damaged', async (t) => {
  const { root, state } = oldState(t)
  fs.writeFileSync(join(root, 'log.db'), 'no database at all, but somebody’s')
  fs.rmSync(join(root, 'data'), { recursive: true })
  const made = await state.backups.create()
  assert.equal(made.whole, false)
  assert.deepEqual(
    (await state.backups.verify()).map(({ store, code }) => [store, code]),
    [['log', 'BACKUP_BAD']],
  )
  assert.equal(
    fs.readFileSync(join(folderOf(root, made.id), 'stores/log/log.db'), 'utf8'),
    'no database at all, but somebody’s',
  )
})

test('[A17] a backup that cannot have its moment is refused, and leaves nothing', async (t) => {
  const { root, state } = oldState(t)
  const writer = openDatabase(join(root, 'log.db'))
  writer.exec('BEGIN IMMEDIATE')
  await assert.rejects(state.backups.create({ waitMs: 100 }), fails('IN_USE', /'log'/))
  writer.exec('ROLLBACK')
  writer.close()
  assert.deepEqual(fs.readdirSync(join(root, '.moult/backups')), [])
  await assert.rejects(state.backups.verify('20260101-000000000-000000'), fails('BACKUP_UNKNOWN'))
  await assert.rejects(state.backups.verify('../../etc'), fails('BACKUP_UNKNOWN'))
  await assert.rejects(state.backups.create({ reasn: 'x' } as never), TypeError)
  await assert.rejects(state.backups.create({ metadata: () => 1 }), TypeError)
  await assert.rejects(state.backups.prune({ keep: -1 }), TypeError)
})

test('[A12] [A13] a packed backup is restored as a plain one is', async (t) => {
  const { root, state } = oldState(t)
  const before = everything(root)
  const { id } = await state.backups.create({ compress: true })
  await state.upgrade()
  await state.backups.restore(id)
  assert.deepEqual(everything(root), before)
})

test('[P10] a file that changes while it is copied is named, and a run does not rely on such a backup', async (t) => {
  const { root, state } = oldState(t)
  // The files of notes are copied before those of vault
  const disturb = (event: RunEvent): void => {
    if (event.type === 'backup') fs.appendFileSync(join(root, 'vault/b.blob'), '.')
  }
  const made = await state.backups.create({ onEvent: disturb })
  assert.equal(made.moment, 'fuzzy')
  const manifest = JSON.parse(fs.readFileSync(join(folderOf(root, made.id), 'manifest.json'), 'utf8'))
  assert.deepEqual(manifest.moved, ['vault/b.blob'])
  await assert.rejects(state.upgrade({ onEvent: disturb }), fails('BACKUP_FAILED', /vault\/b\.blob was written to/))
  assert.deepEqual(await names(state), [made.id])
})
