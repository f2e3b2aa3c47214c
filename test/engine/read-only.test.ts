import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { footprint, temporaryFolder } from '../support/footprint.js'
import { makeOldState, makeState } from './crash-state.js'

test('[P2] [G6] a state on a read-only mount: current data is used and needs no upgrade, older data is refused', async (t) => {
  // Registered before the folder's own removal, which it has to precede
  t.after(() => spawnSync('umount', ['-l', mount]))
  const mount = join(temporaryFolder(t), 'mount')
  mkdirSync(mount)
  const tmpfs = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', mount], { encoding: 'utf8' })
  if (tmpfs.status !== 0) return t.skip(`no tmpfs can be mounted here: ${tmpfs.stderr.trim()}`)
  const root = join(mount, 'state')
  mkdirSync(root)
  makeOldState(root)
  const remount = (how: 'ro' | 'rw'): void =>
    assert.equal(spawnSync('mount', ['-o', `remount,${how}`, mount]).status, 0)

  remount('ro')
  const before = footprint(root)
  await assert.rejects(makeState(1).in(root).upgrade(), { code: 'READ_ONLY' })
  await assert.rejects(makeState(1).in(root).open({ access: 'read' }), { code: 'UPGRADE_PENDING' })
  assert.deepEqual(footprint(root), before)

  remount('rw')
  await makeState(1).in(root).upgrade()
  remount('ro')
  const current = footprint(root)
  assert.equal((await makeState(1).in(root).upgrade()).outcome, 'up-to-date')
  assert.equal(
    (await makeState(1).in(root).status()).stores.every(({ status }) => status === 'current'),
    true,
  )
  const held = await makeState(1).in(root).open()
  assert.equal(held.report.locked, true)
  await held.close()
  assert.deepEqual((await makeState(1).in(root).verify()).problems, [])
  assert.deepEqual(footprint(root), current)
})
