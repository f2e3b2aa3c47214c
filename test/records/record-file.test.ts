import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { record } from 'moult'
import type { Disk } from '#moult/disk/disk.js'
import { replaceDisk } from '#moult/disk/disk.js'
import { z } from 'zod'
import { look, makeRoot, put } from '../disk/tree.js'
import { CountAt1, CountAt4, SessionAt2, sessionText, sessionTextAt2 } from './shapes.js'
import { fails } from './state.js'

const text = (file: string): string => fs.readFileSync(file, 'utf8')

test('[C8] a session is upgraded when it is loaded; the file stays as it is', async (t) => {
  const root = makeRoot(t)
  put(root, { 'a.json': sessionText('a') })
  const before = look(root)
  const { value, from, to, changed } = await SessionAt2.read(join(root, 'a.json'))
  assert.deepEqual([value.journal.leaf_id, from, to, changed], ['a-0', 1, 2, true])
  assert.deepEqual(look(root), before)
})

test('[C6] write-back keeps mode, numbers, escapes and unknown keys, and leaves nothing else behind', async (t) => {
  const root = makeRoot(t)
  put(root, { 'a.json': sessionText('a') }, 0o600)
  await SessionAt2.read(join(root, 'a.json'), { writeBack: true })
  assert.equal(text(join(root, 'a.json')), sessionTextAt2('a'))
  assert.equal(fs.statSync(join(root, 'a.json')).mode & 0o777, 0o600)
  assert.deepEqual(fs.readdirSync(root).sort(), ['.a.json.moult-bak', 'a.json'])
  const before = look(root)
  assert.equal((await SessionAt2.read(join(root, 'a.json'), { writeBack: true })).changed, false)
  assert.deepEqual(look(root), before, 'a current document is not written again')
})

test('[C4] newer and broken files are rejected by name and keep every byte', async (t) => {
  const root = makeRoot(t)
  const files = {
    'newer.json': '{"v":5,"n":1}',
    'torn.json': '{"v":1,"n"',
    'empty.json': '',
    'twice.json': '{"v":1,"n":1,"n":2}',
    'big.json': '{"v":1,"n":1,"id":12345678901234567890}',
    'list.json': '[]',
  }
  put(root, files)
  fs.writeFileSync(join(root, 'latin1.json'), Buffer.from('{"v":1,"n":1,"t":"caf\xe9"}', 'latin1'))
  const before = look(root)
  for (const name of [...Object.keys(files), 'latin1.json']) {
    const file = join(root, name)
    for (const work of [() => CountAt4.read(file, { writeBack: true }), () => CountAt4.write(file, { n: 1 })]) {
      await assert.rejects(work, (error) => {
        assert.ok(fails('RECORD_REJECTED')(error), name)
        assert.equal((error as { details: { file: string } }).details.file, file)
        return true
      })
    }
  }
  assert.deepEqual(look(root), before)
})

test('[C6] symlinks are refused, and what they point at is not touched', async (t) => {
  const root = makeRoot(t)
  put(root, { 'real/a.json': '{"v":1,"n":1}' })
  fs.symlinkSync('real/a.json', join(root, 'link.json'))
  const before = look(join(root, 'real'))
  await assert.rejects(
    CountAt4.read(join(root, 'link.json'), { writeBack: true }),
    fails('FILE_UNSUPPORTED', /symlink/),
  )
  await assert.rejects(CountAt4.write(join(root, 'link.json'), { n: 1 }), fails('FILE_UNSUPPORTED', /symlink/))
  assert.deepEqual(look(join(root, 'real')), before)
})

test('[P22] two programs load one record: the later write-back does not destroy what the other wrote in between', async (t) => {
  const root = makeRoot(t)
  const file = join(root, 'a.json')
  for (const meddle of [
    () => fs.writeFileSync(file, '{"v":1,"n":99}'),
    () => {
      fs.writeFileSync(join(root, 'new'), '{"v":1,"n":9}')
      fs.renameSync(join(root, 'new'), file)
    },
    () => fs.unlinkSync(file),
  ]) {
    fs.writeFileSync(file, '{"v":1,"n":1}')
    await assert.rejects(
      meddlingBeforeRename(meddle, () => CountAt4.read(file, { writeBack: true, backup: 'none' })),
      fails('STORE_CHANGED'),
    )
    const left = fs.readdirSync(root)
    if (left.length > 0) assert.match(text(file), /"n":9/)
    fs.rmSync(file, { force: true })
  }
})

test('[P22] a write does not replace a file that came to be meanwhile', async (t) => {
  const root = makeRoot(t)
  const file = join(root, 'a.json')
  await assert.rejects(
    meddlingBeforeRename(
      () => fs.writeFileSync(file, 'theirs'),
      () => CountAt4.write(file, { n: 1 }),
    ),
    fails('STORE_CHANGED'),
  )
  assert.equal(text(file), 'theirs')
  assert.deepEqual(fs.readdirSync(root), ['a.json'])
})

test('[C8] a document is written at the newest version; of one that is there only what differs', async (t) => {
  const root = makeRoot(t)
  const file = join(root, 'a.json')
  await CountAt4.write(file, { n: 1 })
  assert.equal(text(file), '{\n  "v": 4,\n  "n": 1\n}\n')
  fs.writeFileSync(file, '\uFEFF{"n":1.0,\r\n\t"note":"caf\\u00e9", "v" : 3}', { mode: 0o640 })
  fs.chmodSync(file, 0o640)
  const { value } = await CountAt4.read(file)
  await CountAt4.write(file, { ...value, n: 2 })
  assert.equal(text(file), '\uFEFF{"n":2,\r\n\t"note":"caf\\u00e9", "v" : 4}')
  assert.equal(fs.statSync(file).mode & 0o777, 0o640)
})

test('[C8] what does not fit the newest schema is not written', async (t) => {
  const root = makeRoot(t)
  const file = join(root, 'a.json')
  await assert.rejects(CountAt4.write(file, { n: 'one' } as never), fails('RECORD_REJECTED', /\$\.n/))
  await assert.rejects(CountAt4.write(file, { n: 1, at: new Date() } as never), fails('RECORD_REJECTED', /\$\.at/))
  await assert.rejects(CountAt4.write(file, [] as never), fails('RECORD_REJECTED', /not an object/))
  assert.deepEqual(fs.readdirSync(root), [])
})

test('[C8] a missing file is node’s own ENOENT, an unknown option a TypeError', async (t) => {
  const root = makeRoot(t)
  await assert.rejects(CountAt4.read(join(root, 'none.json')), { code: 'ENOENT' })
  await assert.rejects(CountAt4.write(join(root, 'none/a.json'), { n: 1 }), { code: 'ENOENT' })
  await assert.rejects(CountAt4.read(join(root, 'none.json'), { writeback: true } as never), TypeError)
})

test('[C6] a full disk in the middle of a write-back leaves the old bytes and no temporary file', async (t) => {
  const root = makeRoot(t)
  const file = join(root, 'a.json')
  put(root, { 'a.json': '{"v":1,"n":1}' })
  const before = look(root, { times: false })
  for (const operation of ['write', 'fsync', 'rename', 'chmod'] as const) {
    const failing = (): never => {
      throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC', path: file })
    }
    await assert.rejects(
      onDisk({ [operation]: failing }, () => CountAt4.read(file, { writeBack: true, backup: 'none' })),
      fails('NO_SPACE'),
    )
    assert.deepEqual(look(root, { times: false }), before, operation)
  }
})

test('[C8] records without a version key have no way around their store', () => {
  const keyless = record('memory', { versionKey: false }).version(1, z.object({ id: z.string() }))
  assert.deepEqual(Object.keys(keyless).sort(), ['name', 'version', '~moult', '~record'])
  assert.deepEqual(Object.keys(CountAt1).sort(), ['name', 'read', 'upgrade', 'version', 'write', '~moult', '~record'])
})

/** Runs `work`, and `meddle` right after it has written its temporary file. */
async function meddlingBeforeRename(meddle: () => void, work: () => Promise<unknown>): Promise<unknown> {
  return await onDisk({ fsync: () => meddle() }, work)
}

async function onDisk(part: Partial<Disk>, work: () => Promise<unknown>): Promise<unknown> {
  const putBack = replaceDisk((real) => ({ ...real, ...part }))
  try {
    return await work()
  } finally {
    putBack()
  }
}
