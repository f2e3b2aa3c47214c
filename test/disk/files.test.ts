import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { appendLines } from '#moult/disk/append-lines.js'
import { breathe } from '#moult/disk/breathe.js'
import { replaceDisk } from '#moult/disk/disk.js'
import { identityOf, lstatIfAny } from '#moult/disk/identity.js'
import { makeDirectory } from '#moult/disk/make-directory.js'
import { pin, stampOf } from '#moult/disk/pin.js'
import { readFile, readText, readTextIfAny } from '#moult/disk/read-file.js'
import { removeTree } from '#moult/disk/remove-tree.js'
import { replaceFile } from '#moult/disk/write-file.js'
import { failAt } from './fault-disk.js'
import { look, makeRoot, put } from './tree.js'

test('[C6] a replaced file keeps mode and owner; a failure or a crash at any operation leaves the old bytes or the new', (t) => {
  const root = makeRoot(t)
  const path = join(root, 'f')
  for (let at = 0; ; at += 1) {
    fs.rmSync(root, { recursive: true })
    put(root, { f: 'old' }, 0o600)
    fs.chownSync(path, 1234, 1235)
    const fault = failAt({ kind: 'error', code: 'ENOSPC', at, forEver: false })
    let failed = false
    try {
      replaceFile(path, 'new')
    } catch {
      failed = true
    } finally {
      fault.heal()
    }
    const { mode, uid, gid } = fs.statSync(path)
    assert.deepEqual([mode & 0o777, uid, gid], [0o600, 1234, 1235])
    assert.ok(['old', 'new'].includes(fs.readFileSync(path, 'utf8')))
    assert.deepEqual(fs.readdirSync(root), ['f'])
    if (!fault.hit()) {
      assert.equal(failed, false)
      assert.equal(fs.readFileSync(path, 'utf8'), 'new')
      break
    }
    assert.equal(failed, true)
  }
})

test('[C6] symlinks are refused, and a file that changed since it was read is not overwritten', (t) => {
  const root = makeRoot(t)
  put(root, { f: 'old' })
  fs.symlinkSync('f', join(root, 'link'))
  assert.throws(() => replaceFile(join(root, 'link'), 'x'), { code: 'FILE_UNSUPPORTED' })
  assert.throws(() => readFile(join(root, 'link')), { code: 'FILE_UNSUPPORTED' })
  assert.throws(() => readFile(root), { code: 'FILE_UNSUPPORTED' })
  const stats = lstatIfAny(join(root, 'f'))
  assert.ok(stats)
  const expect = identityOf(stats)
  fs.writeFileSync(join(root, 'f'), 'theirs')
  assert.throws(() => replaceFile(join(root, 'f'), 'x', { expect }), { code: 'STORE_CHANGED' })
  assert.throws(() => replaceFile(join(root, 'f'), 'x', { expect: null }), { code: 'STORE_CHANGED' })
  assert.deepEqual(fs.readdirSync(root).sort(), ['f', 'link'])
  assert.equal(readText(join(root, 'f')), 'theirs')
  assert.equal(readTextIfAny(join(root, 'none')), null)
  fs.writeFileSync(join(root, 'f'), Buffer.from([0xff, 0xfe]))
  assert.throws(() => readText(join(root, 'f')), TypeError)
})

test('[C6] a disk that writes one byte at a time still gets whole files', (t) => {
  const root = makeRoot(t)
  const heal = replaceDisk((real) => ({
    ...real,
    write: (fd, buffer, offset, _length, position) => real.write(fd, buffer, offset, 1, position),
  }))
  t.after(heal)
  replaceFile(join(root, 'f'), 'all of it', { mode: 0o640 })
  assert.equal(readText(join(root, 'f')), 'all of it')
  assert.equal(fs.statSync(join(root, 'f')).mode & 0o777, 0o640)
})

test('[A1] a log line that a crash tore is taken away by the next, and one that lacks only its newline is kept', (t) => {
  const root = makeRoot(t)
  const path = join(root, 'log')
  appendLines(path, ['{"a":1}'])
  fs.appendFileSync(path, '{"torn":')
  appendLines(path, ['{"b":2}'])
  fs.appendFileSync(path, '{"c":3}')
  appendLines(path, ['{"d":4}'])
  assert.equal(fs.readFileSync(path, 'utf8'), '{"a":1}\n{"b":2}\n{"c":3}\n{"d":4}\n')
  fs.writeFileSync(path, `{"long":"${'x'.repeat(200_000)}`)
  appendLines(path, ['{"e":5}'])
  assert.equal(fs.readFileSync(path, 'utf8'), '{"e":5}\n')
  assert.throws(() => appendLines(path, ['a\nb']), TypeError)
})

test('[P23] directories are made with their parents, and trees removed without following symlinks', async (t) => {
  const root = makeRoot(t)
  put(root, { 'keep/x': '1', 'gone/d/y': '2' })
  fs.symlinkSync(join(root, 'keep'), join(root, 'gone/link'))
  assert.deepEqual(makeDirectory(join(root, 'a/b/c'), { mode: 0o700 }), [
    join(root, 'a'),
    join(root, 'a/b'),
    join(root, 'a/b/c'),
  ])
  assert.deepEqual(makeDirectory(join(root, 'a/b')), [])
  assert.throws(() => makeDirectory(join(root, 'keep/x/y')), { code: 'ENOTDIR' })
  await removeTree(join(root, 'gone'))
  await removeTree(join(root, 'gone'))
  await removeTree(join(root, 'a'))
  assert.deepEqual(Object.keys(look(root)), ['/', 'keep/', 'keep/x'])
})

test('[P2] long loops give way to the event loop, and stop when they are told to', async () => {
  const controller = new AbortController()
  setTimeout(() => controller.abort(new Error('enough')), 30)
  const spin = async (): Promise<void> => {
    const end = performance.now() + 5_000
    while (performance.now() < end) await breathe(controller.signal)
  }
  await assert.rejects(spin(), { code: 'INTERRUPTED' })
})

test('[P1] a database file is pinned once for each inode, and the pin outlives its name', (t) => {
  const root = makeRoot(t)
  put(root, { 'a.db': 'one' })
  const path = join(root, 'a.db')
  const first = pin(path)
  fs.linkSync(path, join(root, 'b.db'))
  assert.equal(pin(join(root, 'b.db'))?.fd, first?.fd)
  assert.equal(pin(path)?.fd, first?.fd)
  assert.equal(first?.size, 3)
  assert.equal(first?.stamp, stampOf(path))
  fs.appendFileSync(path, '!')
  assert.equal(pin(path)?.size, 4)
  assert.notEqual(stampOf(path), first?.stamp)
  fs.writeFileSync(join(root, 'new'), 'two')
  fs.renameSync(join(root, 'new'), path)
  assert.notEqual(pin(path)?.fd, first?.fd)
  assert.equal(pin(join(root, 'none')), null)
  assert.equal(pin(join(path, 'below')), null)
  assert.equal(stampOf(join(root, 'none')), '-')
  assert.throws(() => pin(root), { code: 'FILE_UNSUPPORTED' })
})

test('[P1] a second copy of moult shares the pins of the first', async (t) => {
  const root = makeRoot(t)
  put(root, { 'a.db': 'one' })
  const copy = (await import(`${import.meta.resolve('#moult/disk/pin.js')}?copy`)) as { pin: typeof pin }
  assert.notEqual(copy.pin, pin)
  assert.equal(copy.pin(join(root, 'a.db'))?.fd, pin(join(root, 'a.db'))?.fd)
})
