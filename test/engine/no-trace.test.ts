import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { footprint, temporaryFolder } from '../support/footprint.js'
import { base, oldState } from './small-state.js'

test('[G2] a program that may not upgrade makes nothing where no state is yet, not even the root', async (t) => {
  const folder = temporaryFolder(t)
  await assert.rejects(base.in(join(folder, 'deep/root')).open({ onPending: 'refuse' }), { code: 'UPGRADE_PENDING' })
  assert.deepEqual(readdirSync(folder), [])
  const root = oldState(t)
  const before = footprint(root)
  await assert.rejects(base.in(root).open({ onPending: 'refuse' }), { code: 'UPGRADE_PENDING' })
  assert.deepEqual(footprint(root), before)
  assert.equal(existsSync(join(root, '.moult')), false)
})

test('[G3] an upgrade that was interrupted before it began makes nothing', async (t) => {
  const root = oldState(t)
  const before = footprint(root)
  await assert.rejects(base.in(root).upgrade({ signal: AbortSignal.abort() }), { code: 'INTERRUPTED' })
  assert.deepEqual(footprint(root), before)
  assert.equal(existsSync(join(root, '.moult')), false)
})

test('[G3] a disk that is too full for the lock files: NO_SPACE, and the root keeps its mtime', async (t) => {
  // Registered before the folder's own removal, which it has to precede
  t.after(() => spawnSync('umount', ['-l', root]))
  const root = join(temporaryFolder(t), 'mount')
  mkdirSync(root)
  const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', root], { encoding: 'utf8' })
  if (mount.status !== 0) return t.skip(`no tmpfs can be mounted here: ${mount.stderr.trim()}`)
  mkdirSync(join(root, 'notes/old'), { recursive: true })
  writeFileSync(join(root, 'notes/old/a.md'), 'a')
  assert.throws(() => writeFileSync(join(root, 'filler'), Buffer.alloc(1 << 20)), { code: 'ENOSPC' })
  const before = footprint(root)
  await assert.rejects(base.in(root).upgrade(), { code: 'NO_SPACE' })
  assert.deepEqual(footprint(root), before)
  rmSync(join(root, 'filler'))
})
