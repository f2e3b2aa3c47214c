import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { defineState, isMoultError } from 'moult'
import type { MoultError } from 'moult'
import { exitCodeOf } from '#moult/cli/exit-code.js'
import { holdExclusive } from '#moult/drivers/lock.js'
import { openDatabase } from '../support/sqlite.js'
import { base, index, oldState } from './small-state.js'

async function failure(call: Promise<unknown>): Promise<MoultError> {
  const error = await call.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  assert.ok(isMoultError(error), String(error))
  return error
}

test('[P2] a state that another process is upgrading: the error says how the stores stand, and exits as locked', async (t) => {
  const root = oldState(t)
  const run = await holdExclusive(root)
  mkdirSync(join(root, '.moult/run'))
  for (const call of [() => base.in(root).upgrade({ waitMs: 50 }), () => base.in(root).open({ waitMs: 50 })]) {
    const error = await failure(call())
    assert.equal(error.code, 'LOCKED')
    assert.equal(error.report?.outcome, 'refused')
    assert.deepEqual(
      error.report.stores.map(({ name, status }) => `${name} ${status}`),
      ['items legacy', 'notes legacy', 'index fresh'],
    )
    assert.equal(exitCodeOf(error), 5)
  }
  run.release()
})

test('[P18] a journal that cannot be explained: the report says damaged', async (t) => {
  const root = oldState(t)
  mkdirSync(join(root, '.moult/run'), { recursive: true })
  writeFileSync(join(root, '.moult/run/run.json'), 'torn')
  const error = await failure(base.in(root).upgrade())
  assert.deepEqual([error.code, error.report?.outcome, exitCodeOf(error)], ['DAMAGED', 'damaged', 6])
})

test('[P14] [P18] a disk that is full in recovery: NO_SPACE, unfinished, exit code 6, and later it is finished', async (t) => {
  const root = mountSmall(t)
  if (root === null) return t.skip('needs root to mount a small file system')
  for (const folder of ['items', 'notes', '.moult/run']) mkdirSync(join(root, folder), { recursive: true })
  const database = openDatabase(join(root, 'index.db'))
  database.exec('CREATE TABLE own(a)')
  database.close()
  const header = { moult: 1, run: 'r', app: 'agent', appVersion: null, startedAt: '', databases: ['index.db'] }
  writeFileSync(join(root, '.moult/run/run.json'), JSON.stringify({ ...header, staging: [] }))
  const state = defineState({ app: 'agent', stores: [index.adopt('oldest')] }).in(root)
  for (const pagesLeft of [0, 1, 2]) {
    const { bavail, bsize } = statfsSync(root)
    writeFileSync(join(root, 'filler'), Buffer.alloc((bavail - pagesLeft) * bsize))
    const error = await failure(state.upgrade())
    assert.deepEqual(
      [error.code, error.report?.outcome, exitCodeOf(error)],
      ['NO_SPACE', 'unfinished', 6],
      `${pagesLeft}`,
    )
    assert.ok(existsSync(join(root, '.moult/run')))
    rmSync(join(root, 'filler'))
  }
  assert.equal((await state.upgrade()).recovered, 'back')
})

function mountSmall(t: TestContext): string | null {
  const root = mkdtempSync(join(tmpdir(), 'moult-test-'))
  let isMounted = false
  t.after(() => {
    if (isMounted) execFileSync('umount', ['-l', root])
    rmSync(root, { recursive: true })
  })
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'none', root], { stdio: 'ignore' })
    isMounted = true
    return root
  } catch {
    return null
  }
}
