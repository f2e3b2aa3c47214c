import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { lockDriver } from '#moult/drivers/choose-driver.js'
import { holdExclusive, holdShared, holdUse, lockFilesExist } from '#moult/drivers/lock.js'
import { isMoultError } from '#moult/model/errors.js'
import { startChild } from './lock-child.js'
import { mounted, scratch } from './scratch.js'

const isRoot = process.getuid?.() === 0
const canMount = isRoot && process.platform === 'linux' && spawnSync('mount', ['-V']).status === 0
const lockPath = (root: string, name = '') => join(root, '.moult', 'lock', name)

/** A state with lock files, on a file system of its own that is then made read-only. */
function readOnlyState(t: TestContext, prepare: (root: string) => void): string {
  const root = mounted(t, ['-t', 'tmpfs', 'none'])
  prepare(root)
  execFileSync('mount', ['-o', 'remount,ro', root])
  return root
}

function makeLockFiles(root: string): void {
  mkdirSync(lockPath(root), { recursive: true })
  for (const name of ['gate.db', 'use.db']) writeFileSync(lockPath(root, name), '')
}

const spoilt: Record<string, (path: string) => void> = {
  'holds text': (path) => writeFileSync(path, 'hello'),
  'holds as many zeros as a database page': (path) => truncateSync(path, 4096),
  'is a database': (path) => {
    const connection = lockDriver().open(path, { readOnly: false })
    connection.exec('CREATE TABLE t(a)')
    connection.close()
  },
  'is a WAL database, in which two could hold it at once': (path) => {
    const connection = lockDriver().open(path, { readOnly: false })
    connection.prepare('PRAGMA journal_mode = WAL').all([])
    connection.close()
  },
}

for (const [what, spoil] of Object.entries(spoilt))
  for (const name of ['gate.db', 'use.db'])
    test(`[P2] a ${name} that ${what} is an error that says how to repair it, at once`, async (t) => {
      const root = scratch(t)
      makeLockFiles(root)
      spoil(lockPath(root, name))
      const before = readFileSync(lockPath(root, name))
      for (const take of [holdShared, holdUse, holdExclusive]) {
        const start = performance.now()
        await assert.rejects(take(root), (error) => {
          assert.ok(isMoultError(error, 'DAMAGED'), String(error))
          return (
            error.message.includes(lockPath(root, name)) && error.hint.includes(`delete ${lockPath(root).slice(0, -1)}`)
          )
        })
        assert.ok(performance.now() - start < 1000)
      }
      assert.deepEqual(readFileSync(lockPath(root, name)), before)
    })

test('[P2] a lock file that is a symlink or a directory is an error, and what it points at is not touched', async (t) => {
  const root = scratch(t)
  makeLockFiles(root)
  writeFileSync(join(root, 'data'), '')
  execFileSync('rm', [lockPath(root, 'use.db')])
  symlinkSync(join(root, 'data'), lockPath(root, 'use.db'))
  await assert.rejects(holdExclusive(root), { code: 'DAMAGED' })
  execFileSync('rm', [lockPath(root, 'use.db')])
  mkdirSync(lockPath(root, 'use.db'))
  await assert.rejects(holdExclusive(root), { code: 'DAMAGED' })
})

test('[P2] a journal left beside a lock file does not block anybody', async (t) => {
  const root = scratch(t)
  makeLockFiles(root)
  for (const name of ['gate.db-journal', 'use.db-journal']) writeFileSync(lockPath(root, name), 'garbage'.repeat(200))
  ;(await holdExclusive(root, { waitMs: 500 })).release()
  ;(await holdShared(root, { waitMs: 500 })).release()
  assert.deepEqual(readdirSync(lockPath(root)).sort(), ['gate.db', 'use.db'])
})

test('[P2] a lock directory that is deleted while somebody waits for it ends the waiting with the reason', async (t) => {
  const root = scratch(t)
  const run = await holdExclusive(root)
  t.after(() => run.release())
  setTimeout(() => rmSync(lockPath(root), { recursive: true }), 100)
  await assert.rejects(holdShared(root, { waitMs: 5000 }), { code: 'LOCK_LOST' })
})

test('[P2] a lock directory that is only half made is completed', async (t) => {
  const root = scratch(t)
  mkdirSync(lockPath(root), { recursive: true })
  writeFileSync(lockPath(root, 'gate.db'), '')
  assert.equal(lockFilesExist(root), false)
  const hold = await holdShared(root, { create: true })
  assert.equal(hold.locked, true)
  hold.release()
})

test('[P2] a file where a directory should be is an error that names it', async (t) => {
  const root = scratch(t)
  writeFileSync(join(root, '.moult'), '')
  await assert.rejects(
    holdExclusive(root),
    (error) => isMoultError(error, 'DISK_FAILED') && error.message.includes('.moult'),
  )
  assert.equal((await holdShared(root)).locked, false)
})

const noMount = !canMount && 'needs Linux and root, to mount a read-only file system'

test(
  '[P2] on a read-only mount with lock files the state is held: a run by the same file elsewhere waits',
  { skip: noMount },
  async (t) => {
    const root = scratch(t)
    makeLockFiles(root)
    const view = mounted(t, ['--bind', root])
    execFileSync('mount', ['-o', 'remount,bind,ro', view])
    for (const options of [{}, { readOnly: true }, { create: true }]) {
      const hold = await holdShared(view, options)
      assert.equal(hold.locked, true)
      const rival = startChild(
        t,
        root,
        `try { await lock.holdExclusive(root, { waitMs: 50 }) } catch (error) { say('got', error.code) }`,
      )
      assert.equal(await rival.says('got'), 'LOCKED')
      hold.release()
    }
    await assert.rejects(holdExclusive(view), { code: 'READ_ONLY' })
    ;(await holdExclusive(root)).release()
  },
)

test(
  '[P2] on a read-only mount without lock files the state is held unlocked, and a run is refused',
  { skip: noMount },
  async (t) => {
    for (const prepare of [() => {}, (root: string) => mkdirSync(lockPath(root), { recursive: true })]) {
      const root = readOnlyState(t, prepare)
      for (const options of [{}, { readOnly: true }, { create: true }])
        assert.equal((await holdShared(root, options)).locked, false)
      await assert.rejects(holdExclusive(root), { code: 'READ_ONLY' })
    }
  },
)

test(
  '[P2] a user who may only read the lock files can hold the state, but not take it for a run',
  { skip: !isRoot && 'needs root, to become another user' },
  async (t) => {
    const root = scratch(t)
    chmodSync(root, 0o755)
    makeLockFiles(root)
    const script = `
    process.setuid(65534)
    const hold = await lock.holdShared(root); say('locked', hold.locked); hold.release()
    for (const take of [lock.holdExclusive, (root) => lock.holdShared(root + '/new', { create: true })])
      try { await take(root); say('error', 'none') } catch (error) { say('error', error.code) }`
    const other = startChild(t, root, script)
    assert.equal(await other.says('locked'), 'true')
    assert.equal(await other.says('error'), 'READ_ONLY')
    assert.equal(await other.says('error'), 'NO_PERMISSION')
    chownSync(lockPath(root), 65534, 65534)
    for (const name of ['gate.db', 'use.db']) chmodSync(lockPath(root, name), 0o600)
    const shutOut = startChild(
      t,
      root,
      `process.setuid(65534); try { await lock.holdShared(root); say('error', 'none') } catch (error) { say('error', error.code) }`,
    )
    assert.equal(await shutOut.says('error'), 'NO_PERMISSION')
  },
)

test('[P2] a full disk is told as such, with nothing held afterwards', { skip: noMount }, async (t) => {
  const root = mounted(t, ['-t', 'tmpfs', '-o', 'size=64k', 'none'])
  makeLockFiles(root)
  assert.throws(() => writeFileSync(join(root, 'filler'), Buffer.alloc(1 << 20)), { code: 'ENOSPC' })
  await assert.rejects(holdExclusive(root), { code: 'NO_SPACE' })
  ;(await holdShared(root, { waitMs: 0 })).release()
  execFileSync('rm', [join(root, 'filler')])
  ;(await holdExclusive(root, { waitMs: 0 })).release()
})
