import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { commitFiles, type CommitRequest } from '#moult/disk/commit-files.js'
import { replaceDisk } from '#moult/disk/disk.js'
import { openOverlay } from '#moult/disk/overlay.js'
import { finishCommit, readCommits } from '#moult/disk/recover-commits.js'
import { openStaging } from '#moult/disk/staging.js'
import { claimOf, look, makeRoot, put, settleTimes } from './tree.js'

/** Mounts for one test, and takes the mount and `root` away after it; skips it, saying why, where that is not allowed. */
function mount(t: TestContext, root: string, target: string, ...args: string[]): boolean {
  try {
    execFileSync('mount', [...args, target], { stdio: 'pipe' })
  } catch (error) {
    t.skip(`cannot mount ${args.join(' ')}: ${String((error as { stderr?: Buffer }).stderr ?? error).trim()}`)
    fs.rmSync(root, { recursive: true, force: true })
    return false
  }
  t.after(() => {
    execFileSync('umount', [target])
    fs.rmSync(root, { recursive: true, force: true })
  })
  return true
}

function request(root: string, more: Pick<CommitRequest, 'overlays'>): CommitRequest {
  return {
    root,
    runFolder: join(root, '.moult/run'),
    number: 0,
    decider: null,
    decide: async () => 'committed',
    fence: () => {},
    ...more,
  }
}

async function openStore(root: string): Promise<ReturnType<typeof openOverlay>> {
  fs.mkdirSync(join(root, '.moult/run'), { recursive: true })
  const staging = await openStaging({ root, runFolder: join(root, '.moult/run'), store: 's', base: 's' })
  return openOverlay({ root, claim: claimOf('s'), staging })
}

test('[P13] a store that is a mount point of its own gets its staging folder inside, and commits', async (t) => {
  const root = makeRoot()
  fs.mkdirSync(join(root, 'real'))
  fs.mkdirSync(join(root, 's'))
  put(join(root, 'real'), { a: 'a', b: 'b' })
  // Two mounts of one file system: device numbers are equal, and renames between them fail all the same.
  if (!mount(t, root, join(root, 's'), '--bind', join(root, 'real'))) return
  assert.equal(fs.statSync(join(root, 's')).dev, fs.statSync(root).dev)
  settleTimes(root)
  const before = look(root)
  const overlay = await openStore(root)
  assert.equal(overlay.staging.path, 's/.moult-run')
  const { mtimeNs } = fs.statSync(join(root, 's'), { bigint: true })
  assert.equal(String(mtimeNs), before['s/']?.split(' ')[1])
  overlay.write('a', Buffer.from('A'))
  await overlay.move('b', 'd/c')
  assert.deepEqual(await overlay.list(), ['a', 'd/c'])
  await commitFiles(request(root, { overlays: [overlay] }))
  assert.equal(fs.readFileSync(join(root, 'real/d/c'), 'utf8'), 'b')
  assert.equal(fs.readFileSync(join(root, 'real/a'), 'utf8'), 'A')
})

test('[P13] a directory mounted inside a store is found before anything happens', async (t) => {
  const root = makeRoot()
  put(root, { 's/a': 'a', 's/inner/x': 'hidden', 'real/x': 'x' })
  if (!mount(t, root, join(root, 's/inner'), '--bind', join(root, 'real'))) return
  settleTimes(root)
  const changes: Record<string, (overlay: Awaited<ReturnType<typeof openStore>>) => Promise<void> | void> = {
    'new content comes in': (overlay) => overlay.write('inner/new', Buffer.from('n')),
    'a file leaves': (overlay) => overlay.move('inner/x', 'y'),
    'a file is removed': (overlay) => overlay.remove('inner/x'),
  }
  for (const [what, change] of Object.entries(changes)) {
    const overlay = await openStore(root)
    settleTimes(root)
    const before = look(root)
    await change(overlay)
    overlay.write('a', Buffer.from(what))
    await assert.rejects(commitFiles(request(root, { overlays: [overlay] })), { code: 'DISK_FAILED' }, what)
    assert.deepEqual(look(root), before, what)
  }
})

test('[P13] where only phase two meets EXDEV, the content is copied', async (t) => {
  const root = makeRoot(t)
  put(root, { 's/a': 'a', 's/b': 'b' })
  fs.chmodSync(join(root, 's/b'), 0o640)
  const before = fs.statSync(join(root, 's/b'), { bigint: true })
  const overlay = await openStore(root)
  overlay.write('a', Buffer.from('A'))
  await overlay.move('b', 'c')
  const heal = replaceDisk((real) => ({
    ...real,
    rename(from, to) {
      if (/\/(?:in|out)\/\d+$/.test(from)) throw Object.assign(new Error('EXDEV'), { code: 'EXDEV' })
      real.rename(from, to)
    },
  }))
  try {
    await commitFiles(request(root, { overlays: [overlay] }))
  } finally {
    heal()
  }
  assert.deepEqual(fs.readdirSync(join(root, 's')).sort(), ['a', 'c'])
  const now = fs.statSync(join(root, 's/c'), { bigint: true })
  assert.equal(fs.readFileSync(join(root, 's/a'), 'utf8'), 'A')
  assert.deepEqual([now.mode, now.mtimeNs / 1000n], [before.mode, before.mtimeNs / 1000n])
})

test('[P14] on a disk that is really full a commit changes nothing, and with ballast one that is decided ends', async (t) => {
  const root = makeRoot()
  if (!mount(t, root, root, '-t', 'tmpfs', '-o', 'size=1m', 'moult')) return
  put(root, { 's/a': 'a', 's/b': 'b' })
  const overlay = await openStore(root)
  settleTimes(root)
  overlay.write('a', Buffer.from('A'))
  await overlay.move('b', 'deep/b')
  fill(root)
  const before = look(join(root, 's'))
  assert.throws(() => overlay.write('new', Buffer.alloc(65_536)), { code: 'ENOSPC' })
  await assert.rejects(commitFiles(request(root, { overlays: [overlay] })), { code: 'NO_SPACE' })
  assert.deepEqual(look(join(root, 's')), before)
  fs.rmSync(join(root, 'filler'))
  fs.writeFileSync(join(root, '.moult/run/ballast'), Buffer.alloc(65_536))
  let fences = 0
  const fence = (): void => {
    fences += 1
    if (fences === 2) fill(root)
  }
  await commitFiles({ ...request(root, { overlays: [overlay] }), fence })
  assert.equal(fs.readFileSync(join(root, 's/deep/b'), 'utf8'), 'b')
  assert.equal(readCommits(join(root, '.moult/run'))[0]?.isDone, true)
})

function fill(root: string): void {
  const fd = fs.openSync(join(root, 'filler'), 'a')
  for (const size of [65_536, 4096, 1]) {
    try {
      for (;;) fs.writeSync(fd, Buffer.alloc(size))
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'ENOSPC')
    }
  }
  fs.closeSync(fd)
}

test('[P14] a file that another program holds for a moment is waited for, and one held for good leaves the run unfinished', async (t) => {
  for (const busy of [3, Number.POSITIVE_INFINITY]) {
    const root = makeRoot(t)
    put(root, { 's/a': 'a' })
    const overlay = await openStore(root)
    overlay.write('a', Buffer.from('A'))
    let refusals = 0
    const heal = replaceDisk((real) => ({
      ...real,
      rename(from, to) {
        if (to.endsWith('/s/a') && refusals++ < busy) throw Object.assign(new Error('EBUSY'), { code: 'EBUSY' })
        real.rename(from, to)
      },
    }))
    const commit = commitFiles(request(root, { overlays: [overlay] }))
    if (busy === 3) await commit.finally(heal)
    else await assert.rejects(commit.finally(heal), { code: 'UNFINISHED' })
    for (const found of readCommits(join(root, '.moult/run'))) {
      if (!found.isDone) await finishCommit(root, join(root, '.moult/run'), found)
    }
    assert.equal(fs.readFileSync(join(root, 's/a'), 'utf8'), 'A')
  }
})

/** A disk whose look-ups fold case, as those of macOS and Windows do. */
function foldCase(root: string): () => void {
  return replaceDisk((real) => {
    const actual = (path: string): string => {
      if (!path.startsWith(`${root}/`)) return path
      let at = root
      for (const name of path.slice(root.length + 1).split('/')) {
        const names = fs.existsSync(at) && fs.statSync(at).isDirectory() ? fs.readdirSync(at) : []
        at = join(at, names.find((other) => other.toLowerCase() === name.toLowerCase()) ?? name)
      }
      return at
    }
    return { ...real, lstat: (path) => real.lstat(actual(path)), stat: (path) => real.stat(actual(path)) }
  })
}

test('[P21] names that the file system folds together are refused before the intent, a case-only rename is not', async (t) => {
  const tries: Record<string, [(overlay: Awaited<ReturnType<typeof openStore>>) => Promise<void> | void, boolean]> = {
    'two new names': [(o) => (o.write('new', Buffer.from('1')), o.write('NEW', Buffer.from('2'))), true],
    'a new name and an old one': [(o) => o.write('Readme', Buffer.from('1')), true],
    'two directories': [(o) => (o.write('d1/x', Buffer.from('1')), o.write('D1/y', Buffer.from('2'))), true],
    'a name that is ignored': [(o) => o.write('THUMBS.DB', Buffer.from('1')), true],
    'case only': [(o) => o.move('readme', 'README'), false],
    'an old one that leaves': [async (o) => (await o.remove('readme'), o.write('Readme', Buffer.from('1'))), false],
  }
  for (const [what, [change, collides]] of Object.entries(tries)) {
    const root = makeRoot(t)
    put(root, { 's/readme': 'r', 's/Thumbs.db': '' })
    const heal = foldCase(root)
    try {
      const overlay = await openStore(root)
      settleTimes(root)
      const before = look(join(root, 's'))
      await change(overlay)
      const commit = commitFiles(request(root, { overlays: [overlay] }))
      if (collides) {
        await assert.rejects(commit, { code: 'NAMES_COLLIDE' }, what)
        assert.deepEqual(look(join(root, 's')), before, what)
      } else {
        await commit
      }
    } finally {
      heal()
    }
  }
})

test('[P21] a real file system that folds case (vfat) is recognised', async (t) => {
  const root = makeRoot()
  const image = join(makeRoot(t), 'image')
  try {
    fs.writeFileSync(image, Buffer.alloc(4_194_304))
    execFileSync('mkfs.vfat', [image], { stdio: 'pipe' })
  } catch (error) {
    t.skip(`cannot make a vfat image: ${String(error)}`)
    return
  }
  if (!mount(t, root, root, '-o', 'loop', image)) return
  put(root, { 's/readme': 'r', 's/m': 'm' })
  const overlay = await openStore(root)
  overlay.write('Readme', Buffer.from('x'))
  await assert.rejects(commitFiles(request(root, { overlays: [overlay] })), { code: 'NAMES_COLLIDE' })
  const again = await openStore(root)
  await again.move('m', 'n')
  again.write('m', Buffer.from('new'))
  await commitFiles(request(root, { overlays: [again] }))
  assert.equal(fs.readFileSync(join(root, 's/n'), 'utf8'), 'm')
})
