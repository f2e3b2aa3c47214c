import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { commitFiles } from '#moult/disk/commit-files.js'
import { openOverlay, type Overlay } from '#moult/disk/overlay.js'
import { openStaging } from '#moult/disk/staging.js'
import type { Claim } from '#moult/model/claim.js'
import { claimOf, look, makeRoot, put, settleTimes } from './tree.js'

const bytes = (text: string): Buffer => Buffer.from(text)

async function open(
  t: TestContext,
  files: Record<string, string>,
  more: Partial<Claim> = {},
): Promise<{ root: string; store: string; overlay: Overlay; commit: () => Promise<void> }> {
  const root = makeRoot(t)
  const store = join(root, 's')
  const runFolder = join(root, '.moult/run')
  fs.mkdirSync(runFolder, { recursive: true })
  fs.mkdirSync(store)
  put(store, files)
  settleTimes(root)
  const staging = await openStaging({ root, runFolder, store: 's', base: 's' })
  const overlay = openOverlay({ root, claim: claimOf('s', more), staging })
  const commit = async (): Promise<void> =>
    await commitFiles({
      root,
      runFolder,
      number: 0,
      overlays: [overlay],
      decider: null,
      decide: async () => 'committed',
      fence: () => {},
    })
  return { root, store, overlay, commit }
}

test('[G7] an overlay shows what a step did, and the disk stays as it was', async (t) => {
  const { store, overlay } = await open(t, { 'a.md': 'a', 'b.md': 'b', 'd/c.md': 'c' })
  const before = look(store)
  await overlay.move('d', 'e/f')
  overlay.write('b.md', bytes('B'))
  overlay.write('new', bytes('n'))
  await overlay.remove('a.md')
  assert.deepEqual(await overlay.list(), ['b.md', 'e/f/c.md', 'new'])
  assert.deepEqual(await overlay.list('**/*.md'), ['b.md', 'e/f/c.md'])
  assert.equal(overlay.read('e/f/c.md').toString(), 'c')
  assert.equal(overlay.read('b.md').toString(), 'B')
  assert.equal(overlay.has('a.md'), false)
  assert.throws(() => overlay.read('a.md'), { code: 'ENOENT' })
  assert.deepEqual(overlay.changes(), { added: 1, changed: 1, removed: 1, moved: 1, derived: 0 })
  overlay.discard()
  assert.deepEqual(look(store), before)
  assert.deepEqual(fs.readdirSync(join(overlay.staging.folder, 'in')), [])
})

test('[G3] a step that skips is taken back to its savepoint, the staged bytes too', async (t) => {
  const { overlay } = await open(t, { a: 'a', b: 'b' })
  overlay.write('a', bytes('1'))
  overlay.writeMarker(bytes('m1'))
  const savepoint = overlay.savepoint()
  overlay.write('a', bytes('2'))
  overlay.write('a', bytes('3'))
  await overlay.move('a', 'c')
  await overlay.move('b', 'a')
  overlay.writeMarker(bytes('m2'))
  overlay.rollbackTo(savepoint)
  assert.deepEqual(await overlay.list(), ['a', 'b'])
  assert.equal(overlay.read('a').toString(), '1')
  assert.equal(overlay.read('b').toString(), 'b')
  assert.deepEqual(overlay.changes(), { added: 0, changed: 1, removed: 0, moved: 0, derived: 0 })
  assert.equal(fs.readdirSync(join(overlay.staging.folder, 'in')).length, 2)
})

test('[C2] writing the bytes that are there, or undoing all changes, leaves the file untouched', async (t) => {
  const { store, overlay, commit } = await open(t, { a: 'a', b: 'b', c: 'c' })
  const before = look(store)
  overlay.write('a', bytes('a'))
  overlay.write('b', bytes('x'))
  overlay.write('b', bytes('b'))
  await overlay.move('c', 'd')
  await overlay.move('d', 'c')
  await overlay.remove('c')
  overlay.write('c', bytes('c'))
  assert.deepEqual(overlay.changes(), { added: 0, changed: 0, removed: 0, moved: 0, derived: 0 })
  await commit()
  assert.deepEqual(look(store), before)
})

test('[P4] a file is written in pieces and read in pieces, and nothing is seen of it before it is whole', async (t) => {
  const big = 'x'.repeat(200_000)
  const { store, overlay, commit } = await open(t, { log: big })
  const writer = overlay.openWriter('log')
  for (const chunk of overlay.readChunks('log')) writer.write(bytes(chunk.toString().toUpperCase()))
  assert.equal(overlay.read('log').toString(), big)
  writer.finish()
  await commit()
  assert.equal(fs.readFileSync(join(store, 'log'), 'utf8'), big.toUpperCase())
})

test('[P21] symlinks, hard links and pipes are refused when a step would touch them', async (t) => {
  const { root, store, overlay } = await open(t, { a: 'a', 'd/x': 'x', 'e/y': 'y' })
  fs.symlinkSync('/etc/hostname', join(store, 'link'))
  fs.linkSync(join(store, 'a'), join(root, 'second-name'))
  execFileSync('mkfifo', [join(store, 'pipe')])
  fs.symlinkSync(join(store, 'd'), join(store, 'dirlink'))
  fs.symlinkSync('/etc/hostname', join(store, 'e', 'link'))
  const unsupported = { code: 'FILE_UNSUPPORTED' }
  for (const name of ['link', 'pipe']) {
    assert.throws(() => overlay.read(name), unsupported)
    assert.throws(() => overlay.write(name, bytes('!')), unsupported)
    await assert.rejects(overlay.remove(name), unsupported)
    await assert.rejects(overlay.move(name, 'q'), unsupported)
  }
  assert.throws(() => overlay.write('a', bytes('!')), unsupported)
  await assert.rejects(overlay.remove('a'), unsupported)
  assert.equal(overlay.read('a').toString(), 'a')
  assert.throws(() => overlay.read('dirlink/x'), unsupported)
  assert.throws(() => overlay.write('dirlink/new', bytes('!')), unsupported)
  await assert.rejects(overlay.move('e', 'f'), unsupported)
  assert.deepEqual(await overlay.list(), ['a', 'd/x', 'e/y'])
  assert.deepEqual(overlay.changes(), { added: 0, changed: 0, removed: 0, moved: 0, derived: 0 })
})

test('[G2] a step cannot reach outside its store', async (t) => {
  const { overlay } = await open(
    t,
    { 'a.json': '{}', 'x.db': 'db', 'tmp/t': 't' },
    { files: ['*.json'], ignore: ['i.json'], others: ['o.json'] },
  )
  const paths = [
    '',
    '../x',
    '/etc/passwd',
    'a/../b.json',
    './a.json',
    'a\0.json',
    '.schema-version',
    '.moult/x.json',
    'i.json',
    'o.json',
    'x.db',
    'd/x.json',
    '.s.moult-run',
    'a//b.json',
  ]
  for (const path of paths) {
    assert.throws(() => overlay.write(path, bytes('!')), TypeError, path)
    await assert.rejects(overlay.move('a.json', path), TypeError, path)
    assert.throws(() => overlay.has(path), TypeError, path)
  }
  await assert.rejects(overlay.move('x.db', 'x.json'), TypeError)
})

test('[G2] what is in the way is an error, and nothing of a failed move stays', async (t) => {
  const { overlay } = await open(t, { a: 'a', 'd/x': 'x', 'd/y': 'y', 'e/x': 'other' })
  await assert.rejects(overlay.move('a', 'd/x'), { code: 'EEXIST' })
  await assert.rejects(overlay.move('d', 'e'), { code: 'EEXIST' })
  await assert.rejects(overlay.move('d', 'd/deeper'), { code: 'EINVAL' })
  await assert.rejects(overlay.move('none', 'z'), { code: 'ENOENT' })
  await assert.rejects(overlay.move('d', 'a/d'), { code: 'ENOTDIR' })
  assert.throws(() => overlay.write('a/b', bytes('!')), { code: 'ENOTDIR' })
  assert.throws(() => overlay.write('d', bytes('!')), { code: 'EISDIR' })
  assert.deepEqual(await overlay.list(), ['a', 'd/x', 'd/y', 'e/x'])
})

test('[P16] a file that somebody else changes, removes or adds stops the commit before anything happened', async (t) => {
  const meddle: Record<string, (store: string) => void> = {
    changed: (store) => fs.appendFileSync(join(store, 'a'), '!'),
    touched: (store) => fs.utimesSync(join(store, 'a'), 1, 1),
    removed: (store) => fs.rmSync(join(store, 'a')),
    'only read': (store) => fs.appendFileSync(join(store, 'read'), '!'),
    appeared: (store) => fs.writeFileSync(join(store, 'new'), 'theirs'),
  }
  for (const [what, act] of Object.entries(meddle)) {
    const { root, store, overlay, commit } = await open(t, { a: 'a', b: 'b', read: 'r' })
    overlay.read('read')
    overlay.write('a', bytes('mine'))
    await overlay.move('b', 'd/b')
    overlay.write('new', bytes('mine'))
    act(store)
    const before = look(store)
    await assert.rejects(commit(), { code: 'STORE_CHANGED' }, what)
    assert.deepEqual(look(store), before, what)
    assert.equal(fs.existsSync(join(root, '.moult/run/commit-0.jsonl')), false, what)
  }
})

test('[A12] a replaced file keeps its mode, a private folder gets private files, a moved file keeps all', async (t) => {
  const { store, overlay, commit } = await open(t, { 'plain/a': 'a', 'private/k': 'k', 'moved/m': 'm' })
  fs.chmodSync(join(store, 'private/k'), 0o600)
  fs.chmodSync(join(store, 'plain/a'), 0o640)
  fs.chownSync(join(store, 'plain/a'), 1234, 1235)
  fs.chmodSync(join(store, 'moved/m'), 0o4711)
  const moved = fs.lstatSync(join(store, 'moved/m'), { bigint: true })
  overlay.write('plain/a', bytes('A'))
  overlay.write('private/new', bytes('n'))
  overlay.write('private/deep/new', bytes('n'))
  overlay.write('plain/new', bytes('n'))
  await overlay.move('moved/m', 'other/m')
  await commit()
  const mode = (path: string): number => fs.statSync(join(store, path)).mode & 0o7777
  const replaced = fs.statSync(join(store, 'plain/a'))
  assert.deepEqual([replaced.uid, replaced.gid, mode('plain/a')], [1234, 1235, 0o640])
  assert.deepEqual([mode('private/new'), mode('private/deep/new')], [0o600, 0o600])
  assert.equal(mode('plain/new'), 0o666 & ~process.umask())
  const now = fs.lstatSync(join(store, 'other/m'), { bigint: true })
  assert.deepEqual([now.ino, now.mode, now.mtimeNs], [moved.ino, moved.mode, moved.mtimeNs])
  assert.equal(fs.existsSync(join(store, 'moved')), false)
})

test('[R1] derived files leave with what they stand beside', async (t) => {
  const files = {
    'cat/1.json': '1',
    'cat/2.json': '2',
    'cat/.emb/1.bin': 'e1',
    'cat/.emb/2.bin': 'e2',
    'cat/.emb/index.bin': 'all',
    'dog/3.json': '3',
    'dog/.emb/3.bin': 'e3',
    'cat/.emb/orphan.bin': '?',
  }
  const { store, overlay, commit } = await open(t, files, { derived: ['**/.emb/**'] })
  overlay.write('cat/1.json', bytes('one'))
  assert.deepEqual(overlay.changes(), { added: 0, changed: 1, removed: 0, moved: 0, derived: 3 })
  await overlay.move('dog', 'wolf')
  assert.throws(() => overlay.write('cat/.emb/2.bin', bytes('!')), TypeError)
  await commit()
  const left = Object.keys(look(store)).filter((path) => !path.endsWith('/'))
  assert.deepEqual(left, ['cat/.emb/2.bin', 'cat/1.json', 'cat/2.json', 'wolf/3.json'])
  assert.equal(fs.existsSync(join(store, 'dog')), false)
})

test('[W6] a commit without changes does nothing that can be seen', async (t) => {
  const { store, overlay, commit } = await open(t, { a: 'a' })
  const before = look(store)
  overlay.read('a')
  await commit()
  assert.deepEqual(look(store), before)
})
