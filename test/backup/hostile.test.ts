import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseManifest } from '#moult/model/manifest.js'
import { fails } from '../records/state.js'
import { footprint } from '../support/footprint.js'
import { contentOf } from './content.js'
import { oldState } from './small-state.js'

type Damage = (given: any) => unknown

/** What somebody may have written into a manifest. */
const manifests: readonly (readonly [what: string, damage: Damage | string])[] = [
  ['is no JSON', '{'],
  ['is empty', ''],
  ['is null', 'null'],
  ['is a list', '[]'],
  ['is a number', '1e999'],
  ['is of another format', (m) => (m.moult = 2)],
  ['has no format', (m) => delete m.moult],
  ['is of another backup', (m) => (m.id = '20260101-000000000-000000')],
  ['has an id that is a path', (m) => (m.id = '../..')],
  ['has no date', (m) => (m.createdAt = 'yesterday')],
  ['has an app that is none', (m) => (m.app = 7)],
  ['has no cause', (m) => (m.cause = 'chance')],
  ['has no moment', (m) => (m.moment = 'soon')],
  ['has no stores', (m) => delete m.stores],
  ['has stores that are no list', (m) => (m.stores = { 0: m.stores[0] })],
  ['has null for a store', (m) => (m.stores[0] = null)],
  ['names a store by a path', (m) => (m.stores[0].name = '../x')],
  ['names a store twice', (m) => (m.stores[1].name = m.stores[0].name)],
  ['names a store twice but for case', (m) => (m.stores[1].name = m.stores[0].name.toUpperCase())],
  ['has a store above the root', (m) => (m.stores[0].path = '..')],
  ['has a store at an absolute path', (m) => (m.stores[0].path = '/etc')],
  ['has a store in moult’s own folder', (m) => (m.stores[0].path = '.moult/lock')],
  ['claims from above the root', (m) => (m.stores[0].claim.base = '../..')],
  ['has a claim that is none', (m) => (m.stores[0].claim = 'everything')],
  ['has a marker that is a path out', (m) => (m.stores[0].claim.marker = '../marker')],
  ['has patterns that are no text', (m) => (m.stores[0].claim.files = [{}])],
  ['has files that are no list', (m) => (m.stores[0].files = 'all')],
  ['has a file that is null', (m) => (m.stores[0].files[0] = null)],
  ['has a file above the root', (m) => (m.stores[0].files[0].path = '../passwd')],
  ['has a file that climbs out', (m) => (m.stores[0].files[0].path = 'notes/../../passwd')],
  ['has a file at an absolute path', (m) => (m.stores[0].files[0].path = '/etc/passwd')],
  ['has a file behind a backslash', (m) => (m.stores[0].files[0].path = 'notes\\..\\x')],
  ['has a file on a drive', (m) => (m.stores[0].files[0].path = 'C:/x')],
  ['has a file with a NUL', (m) => (m.stores[0].files[0].path = 'notes/a\0b')],
  ['has a file with half a character', (m) => (m.stores[0].files[0].path = 'notes/\ud800')],
  ['has a file with an empty name', (m) => (m.stores[0].files[0].path = 'notes//x')],
  ['has a file in moult’s own folder', (m) => (m.stores[0].files[0].path = 'notes/.moult/x')],
  ['has a file of another store', (m) => (m.stores[0].files[0].path = 'vault/a.blob')],
  ['has a file twice', (m) => (m.stores[0].files[1].path = m.stores[0].files[0].path)],
  ['has a file in a file', (m) => (m.stores[0].files[0].path = `${m.stores[0].files[1].path}/x`)],
  ['has a digest that is none', (m) => (m.stores[0].files[0].sha256 = 'x'.repeat(64))],
  ['has a digest in capitals', (m) => (m.stores[0].files[0].sha256 = 'A'.repeat(64))],
  ['has a size below nothing', (m) => (m.stores[0].files[0].bytes = -1)],
  ['has a size beyond all disks', (m) => (m.stores[0].files[0].bytes = 2 ** 60)],
  ['has half a byte', (m) => (m.stores[0].files[0].bytes = 0.5)],
  ['has an impossible mode', (m) => (m.stores[0].files[0].mode = 0o170000)],
  ['has an impossible time', (m) => (m.stores[0].files[0].mtimeNs = 'now')],
  ['stores a file in an unknown way', (m) => (m.stores[0].files[0].stored = 'zip')],
  ['has a database with other files', (m) => (m.stores[2].files[0].path = 'log.db-evil')],
  ['has sidecars that are paths', (m) => (m.stores[2].database.sidecars = ['/../../x'])],
  ['has a journal mode that is SQL', (m) => (m.stores[2].database.journalMode = "wal'; --")],
  ['has a directory above the root', (m) => (m.stores[1].directories = [{ path: '..', mode: 0 }])],
  ['is not as moult writes it', '{"moult":1,"moult":1}'],
]

/** What somebody may have done to the folder. */
const folders: readonly (readonly [what: string, damage: (folder: string) => void])[] = [
  ['lost a file', (at) => fs.rmSync(join(at, 'stores/vault/vault/a.blob'))],
  ['got a file', (at) => fs.writeFileSync(join(at, 'stores/vault/vault/extra'), '')],
  ['got a file beside the manifest', (at) => fs.writeFileSync(join(at, 'README'), '')],
  ['has a shorter file', (at) => rewrite(join(at, 'stores/vault/vault/b.blob'), 'sec')],
  ['has another file of the same size', (at) => rewrite(join(at, 'stores/vault/vault/a.blob'), 'FIRST')],
  ['has a changed database', (at) => flip(join(at, 'stores/log/log.db'), 5000)],
  ['has a shorter database', (at) => fs.truncateSync(join(at, 'stores/log/log.db'), 4096)],
  [
    'has a symlink for a file',
    (at) => replace(join(at, 'stores/vault/vault/a.blob'), (to) => fs.symlinkSync('/etc/passwd', to)),
  ],
  ['has a symlink for a folder', (at) => replace(join(at, 'stores/vault'), (to) => fs.symlinkSync('/etc', to))],
  [
    'has a pipe for a file',
    (at) => replace(join(at, 'stores/vault/vault/a.blob'), (to) => execFileSync('mkfifo', [to])),
  ],
  ['has a directory for a file', (at) => replace(join(at, 'stores/vault/vault/a.blob'), (to) => fs.mkdirSync(to))],
  [
    'has a hard link to somebody’s file',
    (at) =>
      replace(join(at, 'stores/vault/vault/b.blob'), (to) => fs.linkSync(join(at, 'stores/vault/vault/a.blob'), to)),
  ],
  [
    'has a symlink for its manifest',
    (at) => replace(join(at, 'manifest.json'), (to) => fs.symlinkSync('/etc/passwd', to)),
  ],
  ['has a pipe for its manifest', (at) => replace(join(at, 'manifest.json'), (to) => execFileSync('mkfifo', [to]))],
  ['has no manifest', (at) => fs.rmSync(join(at, 'manifest.json'))],
  ['got a log beside a database', (at) => fs.writeFileSync(join(at, 'stores/log/log.db-wal'), 'frames')],
]

function replace(path: string, make: (path: string) => void): void {
  fs.rmSync(path, { recursive: true })
  make(path)
}

function rewrite(path: string, text: string): void {
  fs.chmodSync(path, 0o600)
  fs.writeFileSync(path, text)
}

function flip(path: string, at: number): void {
  const bytes = fs.readFileSync(path)
  bytes[at]! ^= 1
  fs.chmodSync(path, 0o600)
  fs.writeFileSync(path, bytes)
}

test(`[A13] ${manifests.length} hostile manifests and ${folders.length} hostile folders: refused, nothing written, nothing deleted`, async (t) => {
  const { root, state } = oldState(t)
  const { id } = await state.backups.create()
  const folder = join(root, '.moult/backups', id)
  const good = fs.readFileSync(join(folder, 'manifest.json'), 'utf8')
  const kept = join(root, '..', `${id}-kept`)
  fs.cpSync(folder, kept, { recursive: true, preserveTimestamps: true })
  t.after(() => fs.rmSync(kept, { recursive: true, force: true }))
  await state.upgrade()
  const before = footprint(root)
  const content = contentOf(root)
  const attempts: [string, () => void][] = [
    ...manifests.map(([what, damage]): [string, () => void] => [
      what,
      () => {
        const given = JSON.parse(good)
        if (typeof damage !== 'string') damage(given)
        const text = typeof damage === 'string' ? damage : JSON.stringify(given)
        assert.equal(typeof parseManifest(text, id, 'linux'), 'string', what)
        rewrite(join(folder, 'manifest.json'), text)
      },
    ]),
    ...folders.map(([what, damage]): [string, () => void] => [what, () => damage(folder)]),
  ]
  for (const [what, damage] of attempts) {
    damage()
    await assert.rejects(state.backups.restore(id), fails('BACKUP_BAD'), what)
    assert.ok((await state.backups.verify()).length > 0, `verify: ${what}`)
    await state.backups.list()
    await state.backups.prune({ keep: 5 })
    assert.ok(fs.existsSync(folder), `${what}: what cannot be read is not taken away`)
    assert.deepEqual(footprint(root), before, what)
    fs.rmSync(folder, { recursive: true })
    fs.cpSync(kept, folder, { recursive: true, preserveTimestamps: true })
  }
  assert.deepEqual(contentOf(root), content)
  await state.backups.restore(id)
})

test('[A13] symlinks in the root lead no restore out of it', async (t) => {
  const { root, state } = oldState(t)
  const { id } = await state.backups.create()
  const outside = fs.mkdtempSync(join(root, '..', 'outside-'))
  t.after(() => fs.rmSync(outside, { recursive: true, force: true }))
  fs.cpSync(join(root, 'vault'), outside, { recursive: true })
  fs.rmSync(join(root, 'vault'), { recursive: true })
  fs.symlinkSync(outside, join(root, 'vault'))
  fs.writeFileSync(join(outside, 'a.blob'), 'not the state’s')
  const before = footprint(outside)
  await assert.rejects(state.backups.restore(id), fails('OUTSIDE_ROOT'))
  assert.deepEqual(footprint(outside), before)

  fs.unlinkSync(join(root, 'vault'))
  fs.mkdirSync(join(root, 'vault'))
  fs.symlinkSync(outside, join(root, 'vault/crypto'))
  await assert.rejects(state.backups.restore(id))
  assert.deepEqual(footprint(outside), before)
  assert.ok(!fs.existsSync(join(root, '.moult/run')))
})

test('[A13] names that are devices on Windows are refused there, and only there', () => {
  const text = (path: string): string =>
    JSON.stringify({
      moult: 1,
      id: 'x',
      createdAt: '2026-11-21T00:00:00.000Z',
      app: 'agent',
      appVersion: null,
      cause: 'command',
      reason: null,
      metadata: null,
      moment: 'exact',
      moved: [],
      stores: [
        {
          name: 'notes',
          kind: 'directory',
          path: 'notes',
          version: null,
          claim: { base: 'notes', files: ['**'], ignore: [], derived: [], marker: '.schema-version', others: [] },
          database: null,
          files: [{ path, sha256: '0'.repeat(64), bytes: 0, mode: 0o644, mtimeNs: '0', stored: 'plain' }],
          directories: [],
          skipped: [],
        },
      ],
    })
  for (const name of ['con', 'NUL.txt', 'aux/x', 'COM1', 'lpt9.log']) {
    assert.match(JSON.stringify(parseManifest(text(`notes/${name}`), 'x', 'win32')), /is a device here/, name)
    assert.equal(typeof parseManifest(text(`notes/${name}`), 'x', 'linux'), 'object', name)
  }
  assert.equal(typeof parseManifest(text('notes/console.txt'), 'x', 'win32'), 'object')
})
