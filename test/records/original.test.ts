import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { defineState, directory, isMoultError, records } from 'moult'
import type { RunEvent } from 'moult'
import { Session } from '../../examples/codewhale/session.js'
import { replaceDisk } from '#moult/disk/disk.js'
import { failAt } from '../disk/fault-disk.js'
import { look, makeRoot, put } from '../disk/tree.js'
import { CountAt4, SessionAt2, SessionAt3, sessionText, sessionTextAt2 } from './shapes.js'

const text = (file: string): string => fs.readFileSync(file, 'utf8')

test('[C5] v1 to v2 to v3 over time: what is kept is the first original, with its mode and time', async (t) => {
  const root = makeRoot(t)
  put(root, { 'a.json': sessionText('a') }, 0o600)
  const file = join(root, 'a.json')
  const kept = join(root, '.a.json.moult-bak')
  const { mtimeMs } = fs.statSync(file)
  await SessionAt2.read(file)
  assert.ok(!fs.existsSync(kept), 'reading alone keeps nothing')
  await SessionAt2.read(file, { writeBack: true })
  await SessionAt3.read(file, { writeBack: true })
  assert.equal((await SessionAt3.read(file)).changed, false)
  assert.equal(text(kept), sessionText('a'))
  const stats = fs.statSync(kept)
  assert.deepEqual([stats.mode & 0o777, stats.mtimeMs, stats.nlink], [0o600, mtimeMs, 1])
  // The way back by hand, as the docstring says
  fs.renameSync(kept, file)
  assert.equal((await SessionAt3.read(file)).from, 1)
})

test('[C5] saving a document that was upgraded on load keeps the original too; saving it again does not', async (t) => {
  const root = makeRoot(t)
  put(root, { 'a.json': sessionText('a') })
  const file = join(root, 'a.json')
  const { value } = await SessionAt2.read(file)
  await SessionAt2.write(file, value)
  assert.equal(text(file), sessionTextAt2('a'))
  assert.equal(text(join(root, '.a.json.moult-bak')), sessionText('a'))
  fs.rmSync(join(root, '.a.json.moult-bak'))
  await SessionAt2.write(file, { ...value, archived: true } as typeof value)
  await SessionAt2.write(join(root, 'new.json'), value)
  assert.deepEqual(fs.readdirSync(root).sort(), ['a.json', 'new.json'])
})

test('[C5] no pattern of a store finds what is kept: upgrade, verify and backups pass over it', async (t) => {
  const root = makeRoot(t)
  put(root, {
    'sessions/a.json': sessionText('a'),
    'sessions/b.json': sessionText('b'),
    'all/c.json': sessionText('c'),
  })
  await Session.read(join(root, 'sessions/a.json'), { writeBack: true })
  await Session.read(join(root, 'all/c.json'), { writeBack: true })
  const state = defineState({
    app: 'codewhale',
    root,
    stores: [
      records('sessions', { path: 'sessions', files: ['*', '**/*', '.*'], record: Session, invalid: 'refuse' }),
      directory('all', { path: 'all' })
        .step('look', {
          up: async ({ files }) => assert.deepEqual(await toList(files.glob('**')), ['c.json']),
        })
        .adopt('oldest'),
    ],
  })
  await state.upgrade()
  assert.deepEqual((await state.verify()).problems, [])
  assert.equal(text(join(root, 'sessions/.a.json.moult-bak')), sessionText('a'))
  const [backup] = await state.backups.list()
  assert.ok(backup)
  await state.backups.restore(backup.id)
  assert.equal(text(join(root, 'sessions/.a.json.moult-bak')), sessionText('a'))
})

test('[C5] an original that cannot be kept is a refusal, or a warning', async (t) => {
  const root = makeRoot(t)
  const file = join(root, 'a.json')
  for (const [name, block] of [
    ['a directory', (kept: string) => fs.mkdirSync(kept)],
    ['a symlink', (kept: string) => fs.symlinkSync('/etc/passwd', kept)],
  ] as const) {
    fs.rmSync(root, { recursive: true })
    fs.mkdirSync(root)
    put(root, { 'a.json': sessionText('a') })
    block(join(root, '.a.json.moult-bak'))
    const before = look(root)
    await assert.rejects(
      SessionAt2.read(file, { writeBack: true }),
      (error) => isMoultError(error, 'BACKUP_FAILED') && /stays as it is/.test(error.message),
      name,
    )
    assert.deepEqual(look(root), before, name)
    const events: RunEvent[] = []
    await SessionAt2.read(file, { writeBack: true, backup: 'try', onEvent: (event) => events.push(event) })
    assert.deepEqual(
      events.map((event) => event.type === 'warning' && event.code),
      ['BACKUP_FAILED'],
      name,
    )
    assert.equal(text(file), sessionTextAt2('a'), name)
  }
  await assert.rejects(SessionAt2.read(file, { backup: 'always' as never }), TypeError)
  await assert.rejects(SessionAt2.write(file, {} as never, { writeBack: true } as never), TypeError)
})

test("[C5] backup: 'none' leaves nothing beside the document", async (t) => {
  const root = makeRoot(t)
  put(root, { 'a.json': '{"v":1,"n":1}' })
  await CountAt4.read(join(root, 'a.json'), { writeBack: true, backup: 'none' })
  assert.deepEqual(fs.readdirSync(root), ['a.json'])
})

test('[C5] [G1] a crash at any operation leaves the old document, or the new one with its whole original', async (t) => {
  const root = makeRoot(t)
  let ended = 0
  for (let at = 0; ; at++) {
    fs.rmSync(root, { recursive: true })
    fs.mkdirSync(root)
    put(root, { 'a.json': sessionText('a') })
    const fault = failAt({ kind: 'crash', at })
    await SessionAt2.read(join(root, 'a.json'), { writeBack: true }).catch(() => undefined)
    fault.heal()
    const now = text(join(root, 'a.json'))
    assert.ok([sessionText('a'), sessionTextAt2('a')].includes(now), fault.what())
    const kept = join(root, '.a.json.moult-bak')
    const isKept = fs.existsSync(kept)
    if (isKept) assert.equal(text(kept), sessionText('a'), fault.what())
    if (now !== sessionText('a')) assert.ok(isKept, fault.what())
    if (!fault.hit()) break
    ended++
  }
  assert.ok(ended > 8, String(ended))
})

test('[C5] an original that another program kept meanwhile is not replaced, with links and without', async (t) => {
  for (const hasLinks of [true, false]) {
    const root = makeRoot(t)
    put(root, { 'a.json': sessionText('a', 1) })
    const putBack = replaceDisk((real) => ({
      ...real,
      utimes: (...args) => {
        if (!fs.existsSync(join(root, '.a.json.moult-bak'))) fs.writeFileSync(join(root, '.a.json.moult-bak'), 'older')
        real.utimes(...args)
      },
      link: (from, to) => {
        if (hasLinks) return real.link(from, to)
        throw Object.assign(new Error('EPERM: operation not permitted'), { code: 'EPERM' })
      },
    }))
    try {
      await SessionAt2.read(join(root, 'a.json'), { writeBack: true })
    } finally {
      putBack()
    }
    assert.equal(text(join(root, '.a.json.moult-bak')), 'older')
    assert.equal(text(join(root, '.a.json.2.moult-bak')), sessionText('a', 1))
    assert.deepEqual(fs.readdirSync(root).sort(), ['.a.json.2.moult-bak', '.a.json.moult-bak', 'a.json'])
  }
})

async function toList(names: AsyncIterable<string>): Promise<string[]> {
  const list: string[] = []
  for await (const name of names) list.push(name)
  return list
}

test('[C5] a write-back that comes to nothing keeps nothing; a document that was made anew is kept beside the first', async (t) => {
  const root = makeRoot(t)
  const file = join(root, 'a.json')
  const theirs = sessionText('a').replace('"hi"', '"theirs"')
  put(root, { 'a.json': sessionText('a') })
  // Another program saves between the read and the rename
  const putBack = replaceDisk((real) => ({
    ...real,
    chmod: (path, mode) => {
      if (!path.includes('theirs')) fs.writeFileSync(file, theirs)
      real.chmod(path, mode)
    },
  }))
  await assert.rejects(SessionAt2.read(file, { writeBack: true }), (error) => isMoultError(error, 'STORE_CHANGED'))
  putBack()
  assert.deepEqual(fs.readdirSync(root), ['a.json'])
  await SessionAt2.read(file, { writeBack: true })
  assert.equal(text(join(root, '.a.json.moult-bak')), theirs)
  // Deleted, and made anew by the old program
  fs.writeFileSync(file, sessionText('b'))
  await SessionAt3.read(file, { writeBack: true })
  assert.equal(text(join(root, '.a.json.moult-bak')), theirs)
  assert.equal(text(join(root, '.a.json.2.moult-bak')), sessionText('b'))
  // What is no such document keeps nobody's place
  fs.writeFileSync(join(root, '.c.json.moult-bak'), '')
  fs.writeFileSync(join(root, 'c.json'), sessionText('c'))
  await SessionAt2.read(join(root, 'c.json'), { writeBack: true })
  await SessionAt3.read(join(root, 'c.json'), { writeBack: true })
  assert.equal(text(join(root, '.c.json.2.moult-bak')), sessionText('c'))
  assert.deepEqual(
    fs
      .readdirSync(root)
      .filter((name) => name.startsWith('.c'))
      .sort(),
    ['.c.json.2.moult-bak', '.c.json.moult-bak'],
  )
})

test('[C5] a name of 231 bytes can be written back; where the original has no room for its name, the error says so', async (t) => {
  const root = makeRoot(t)
  const long = `${'n'.repeat(226)}.json`
  put(root, { [long]: sessionText('a') })
  await SessionAt2.read(join(root, long), { writeBack: true })
  assert.ok(fs.existsSync(join(root, `.${long}.moult-bak`)))
})

test('[C5] an error that comes once the new content is there leaves the original kept', async (t) => {
  const root = makeRoot(t)
  const file = join(root, 'a.json')
  put(root, { 'a.json': sessionText('a') })
  let isThere = false
  const putBack = replaceDisk((real) => ({
    ...real,
    rename: (from, to) => {
      real.rename(from, to)
      isThere = true
    },
    fsync: (fd) => {
      if (isThere) throw Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO' })
      real.fsync(fd)
    },
  }))
  await assert.rejects(SessionAt2.read(file, { writeBack: true }), (error) => isMoultError(error, 'DISK_FAILED'))
  putBack()
  assert.equal(text(file), sessionTextAt2('a'))
  assert.equal(text(join(root, '.a.json.moult-bak')), sessionText('a'))
})
