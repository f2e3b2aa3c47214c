import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { TestContext } from 'node:test'
import { pin } from '#moult/disk/pin.js'
import { lockDriver } from '#moult/drivers/choose-driver.js'
import { holdExclusive } from '#moult/drivers/lock.js'
import type { ExclusiveHold } from '#moult/drivers/lock.js'
import { availableDrivers } from './available-drivers.js'
import { startChild } from './lock-child.js'
import { scratch } from './scratch.js'

const lockPath = (root: string, name = '') => join(root, '.moult', 'lock', name)

const losses: Record<string, (root: string) => void> = {
  'the lock directory was deleted': (root) => rmSync(lockPath(root), { recursive: true }),
  '.moult was deleted and made anew': (root) => {
    const owner = readFileSync(lockPath(root, 'owner.json'))
    rmSync(join(root, '.moult'), { recursive: true })
    mkdirSync(lockPath(root), { recursive: true })
    for (const [name, bytes] of [
      ['owner.json', owner],
      ['gate.db', ''],
      ['use.db', ''],
    ] as const)
      writeFileSync(lockPath(root, name), bytes)
  },
  'another run wrote its name': (root) => {
    const owner = JSON.parse(readFileSync(lockPath(root, 'owner.json'), 'utf8')) as object
    writeFileSync(lockPath(root, 'owner.json'), JSON.stringify({ ...owner, runId: 'another' }))
  },
  'owner.json was torn': (root) => writeFileSync(lockPath(root, 'owner.json'), '{"runId"'),
  'a lock file was replaced': (root) => {
    writeFileSync(lockPath(root, 'new'), '')
    renameSync(lockPath(root, 'new'), lockPath(root, 'use.db'))
  },
  'a lock file was written to': (root) => writeFileSync(lockPath(root, 'gate.db'), 'x', { flag: 'r+' }),
}

for (const [what, lose] of Object.entries(losses))
  test(`[P2] a run stops before its next commit when ${what}`, async (t) => {
    const root = scratch(t)
    const run = await holdExclusive(root)
    t.after(() => run.release())
    run.fence()
    lose(root)
    assert.throws(() => run.fence(), { code: 'LOCK_LOST' })
  })

const noList = process.platform !== 'linux' && 'only Linux lists the locks that a process holds'
for (const name of ['gate.db', 'use.db'])
  test(
    `[P1] a run stops when any code in its process read ${name}, which drops the lock unseen`,
    { skip: noList },
    async (t) => {
      const root = scratch(t)
      const run = await holdExclusive(root)
      run.fence()
      readFileSync(lockPath(root, name))
      assert.throws(() => run.fence(), { code: 'LOCK_LOST' })
      run.release()
      const next = await holdExclusive(root)
      next.fence()
      next.release()
    },
  )

test('[P2] the end of a run whose lock was lost does not disturb the run that took over', async (t) => {
  const root = scratch(t)
  const lost = await holdExclusive(root)
  rmSync(lockPath(root), { recursive: true })
  const next = startChild(
    t,
    root,
    `const run = await lock.holdExclusive(root); say('held'); await told(); run.fence(); say('whole')`,
  )
  await next.says('held')
  assert.throws(() => lost.fence(), { code: 'LOCK_LOST' })
  lost.release()
  next.tell()
  await next.says('whole')
})

/** Another process tries for the lock and must fail. */
async function staysLocked(t: TestContext, root: string, run: ExclusiveHold): Promise<void> {
  const rival = startChild(
    t,
    root,
    `try { await lock.holdExclusive(root, { waitMs: 100 }); say('got', 'in') } catch (error) { say('got', error.code) }`,
  )
  assert.equal(await rival.says('got'), 'LOCKED')
  run.fence()
}

describe('[P1] a hold is not lost when the app', () => {
  for (const { name, driver, skip } of availableDrivers())
    test(`opens and closes databases of its own with ${name}`, { skip }, async (t) => {
      const root = scratch(t)
      const run = await holdExclusive(root)
      for (let count = 0; count < 3; count++) {
        const connection = driver!.open(join(root, 'app.db'), { readOnly: false })
        connection.exec('CREATE TABLE IF NOT EXISTS t(a); INSERT INTO t VALUES (1)')
        connection.close()
      }
      await staysLocked(t, root, run)
      run.release()
    })

  test('lets moult read a database that it has open', async (t) => {
    const root = scratch(t)
    const path = join(root, 'app.db')
    const connection = lockDriver().open(path, { readOnly: false })
    connection.exec('CREATE TABLE t(a); BEGIN EXCLUSIVE')
    const run = await holdExclusive(root)
    for (let count = 0; count < 3; count++) assert.ok(pin(path))
    await staysLocked(t, root, run)
    const rival = startChild(
      t,
      path,
      `const { lockDriver } = await import('#moult/drivers/choose-driver.js')
      try { lockDriver().open(root, { readOnly: false }).exec('BEGIN IMMEDIATE'); say('got', 'in') } catch (error) { say('got', error.code) }`,
    )
    assert.equal(await rival.says('got'), 'SQLITE_BUSY')
    run.release()
    connection.close()
  })

  test('reads and writes other files of the state', async (t) => {
    const root = scratch(t)
    const run = await holdExclusive(root)
    writeFileSync(join(root, 'note.md'), 'a')
    readFileSync(join(root, 'note.md'))
    await staysLocked(t, root, run)
    run.release()
  })
})

test('[P1] a hold that nobody refers to any more is not collected with its lock', async (t) => {
  const root = scratch(t)
  const holder = startChild(
    t,
    root,
    `await (async () => { (await lock.holdShared(root, { create: true })).dropGate() })()
    for (let round = 0; round < 10; round++) { globalThis.gc(); await sleep(10) }
    say('collected')
    await told()`,
    ['--expose-gc'],
  )
  await holder.says('collected')
  await assert.rejects(holdExclusive(root, { waitMs: 200 }), { code: 'IN_USE' })
})

test('[P1] without the registry the collector would let go: this test can fail', async (t) => {
  const root = scratch(t)
  const holder = startChild(
    t,
    root,
    `await (async () => { (await lock.holdShared(root, { create: true })).dropGate() })()
    globalThis[Symbol.for('moult.lock/1')].holds.clear()
    for (let round = 0; round < 10; round++) { globalThis.gc(); await sleep(10) }
    say('collected')
    await told()`,
    ['--expose-gc'],
  )
  await holder.says('collected')
  const run = await holdExclusive(root, { waitMs: 200 })
  run.release()
})
