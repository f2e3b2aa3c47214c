import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { closeGate, holdExclusive, holdShared, holdUse, holdWork, lockFilesExist } from '#moult/drivers/lock.js'
import type * as lock from '#moult/drivers/lock.js'
import { isMoultError } from '#moult/model/errors.js'
import { startChild } from './lock-child.js'
import { scratch } from './scratch.js'

const quick = { waitMs: 150 }

test('[P2] holding a state that was never locked creates nothing, not even .moult, unless asked to', async (t) => {
  const root = scratch(t)
  const hold = await holdShared(root)
  assert.equal(hold.locked, false)
  assert.deepEqual(readdirSync(root), [])
  assert.equal(lockFilesExist(root), false)
  hold.dropGate()
  hold.release()
  const created = await holdShared(join(root, 'new', 'state'), { create: true })
  t.after(() => created.release())
  assert.equal(created.locked, true)
  assert.equal(lockFilesExist(join(root, 'new', 'state')), true)
})

test('[G6] taking and releasing every kind of hold leaves empty lock files and nothing else', async (t) => {
  const root = scratch(t)
  const stamps = () =>
    ['gate.db', 'use.db'].map((name) => statSync(join(root, '.moult', 'lock', name), { bigint: true }))
  ;(await holdExclusive(root)).release()
  const before = stamps()
  for (const take of [holdShared, holdUse, holdWork, closeGate, holdExclusive]) (await take(root)).release()
  ;(await (await holdExclusive(root)).downgradeToShared()).release()
  assert.deepEqual(readdirSync(join(root, '.moult', 'lock')).sort(), ['gate.db', 'use.db', 'work.db'])
  for (const [index, stat] of stamps().entries())
    assert.deepEqual([stat.ino, stat.size, stat.mtimeNs], [before[index]!.ino, 0n, before[index]!.mtimeNs])
})

test('[P2] many may hold a state open; a run waits for the last of them, and newcomers wait for the run', async (t) => {
  const root = scratch(t)
  const holds = [await holdShared(root, { create: true }), await holdShared(root), await holdUse(root)]
  await assert.rejects(closeGate(root, quick), { code: 'LOCKED' })
  for (const hold of holds) hold.dropGate()
  const gate = await closeGate(root, { waitMs: 5000 })
  await assert.rejects(holdShared(root, quick), { code: 'LOCKED' })
  await assert.rejects(holdUse(root, quick), { code: 'LOCKED' })
  holds.slice(0, 2).forEach((hold) => hold.release())
  setTimeout(() => holds[2]!.release(), 100)
  const run = await gate.takeUse()
  await assert.rejects(holdShared(root, quick), { code: 'LOCKED' })
  run.release()
  const after = await holdShared(root, quick)
  after.release()
})

test('[P2] a process that has the state open and wants a run is told so at once, instead of waiting for itself', async (t) => {
  const root = scratch(t)
  const hold = await holdShared(root, { create: true })
  hold.dropGate()
  const start = performance.now()
  await assert.rejects(holdExclusive(root), (error) => {
    assert.ok(isMoultError(error, 'IN_USE'))
    assert.equal(error.details.holder, 'this process')
    return true
  })
  const gate = await closeGate(root)
  await assert.rejects(gate.takeUse(), { code: 'IN_USE' })
  assert.ok(performance.now() - start < 1000)
  hold.release()
  ;(await holdExclusive(root, quick)).release()
})

test('[P2] two calls in one process take turns like two processes', async (t) => {
  const root = scratch(t)
  let inside = 0
  const turn = async () => {
    const run = await holdExclusive(root)
    assert.equal(++inside, 1)
    await new Promise((resolve) => setTimeout(resolve, 5))
    run.fence()
    inside--
    run.release()
  }
  await Promise.all(Array.from({ length: 6 }, turn))
})

test('[P2] after a run the state stays open without a moment in which another run could begin', async (t) => {
  const root = scratch(t)
  const run = await holdExclusive(root)
  const rival = startChild(
    t,
    root,
    `let asked = false
    told().then(() => (asked = true))
    say('trying')
    while (!asked) {
      try {
        (await lock.holdExclusive(root, { waitMs: 0 })).release()
        break
      } catch {}
      await new Promise(setImmediate)
    }
    say('ended', asked ? 'kept out' : 'got in')`,
  )
  await rival.says('trying')
  const shared = await run.downgradeToShared()
  t.after(() => shared.release())
  assert.throws(() => run.fence(), TypeError)
  ;(await holdShared(root)).release()
  await new Promise((resolve) => setTimeout(resolve, 200))
  rival.tell()
  assert.equal(await rival.says('ended'), 'kept out')
})

test('[P2] waiting tells who holds the state and for how long, and can be interrupted', async (t) => {
  const root = scratch(t)
  const holder = startChild(t, root, `await lock.holdExclusive(root); say('held'); await told()`)
  await holder.says('held')
  const heard: [string | null, number][] = []
  const abort = new AbortController()
  setTimeout(() => abort.abort(), 300)
  const options = { signal: abort.signal, onWaiting: (who: string | null, ms: number) => heard.push([who, ms]) }
  const start = performance.now()
  await assert.rejects(holdShared(root, options), { code: 'INTERRUPTED' })
  assert.ok(performance.now() - start < 1000)
  assert.equal(heard.length, 1)
  assert.match(heard[0]![0]!, new RegExp(`pid ${holder.pid}\\)`))
  assert.ok(heard[0]![1] >= 100)
  await assert.rejects(holdExclusive(root, { signal: AbortSignal.abort() }), { code: 'INTERRUPTED' })
})

test('[P2] while it waits, the event loop goes on', async (t) => {
  const root = scratch(t)
  const run = await holdExclusive(root)
  let ticks = 0
  const timer = setInterval(() => ticks++, 10)
  t.after(() => clearInterval(timer))
  await assert.rejects(holdShared(root, { waitMs: 400 }), { code: 'LOCKED' })
  run.release()
  assert.ok(ticks > 15, `${ticks} ticks in 400 ms`)
})

test('[P2] refusals name the holders: the run, or the programs that have the state open', async (t) => {
  const root = scratch(t)
  const run = startChild(
    t,
    root,
    `const run = await lock.holdExclusive(root); say('held'); await told(); await run.downgradeToShared(); say('open'); await told()`,
  )
  await run.says('held')
  const owner = JSON.parse(readFileSync(join(root, '.moult', 'lock', 'owner.json'), 'utf8')) as { pid: number }
  assert.equal(owner.pid, run.pid)
  await assert.rejects(holdExclusive(root, quick), (error) => {
    assert.ok(isMoultError(error, 'LOCKED'))
    assert.match(error.message, new RegExp(`pid ${run.pid}\\)`))
    assert.ok(error.details.waitedMs >= 150)
    return true
  })
  run.tell()
  await run.says('open')
  assert.equal(existsSync(join(root, '.moult', 'lock', 'owner.json')), false)
  await assert.rejects(holdExclusive(root, quick), (error) => {
    assert.ok(isMoultError(error, 'IN_USE'))
    if (process.platform === 'linux') assert.match(error.message, new RegExp(`pid ${run.pid}\\)`))
    return true
  })
})

test("[P2] what stands on a command line is no part of a holder's name", async (t) => {
  const root = scratch(t)
  const holder = startChild(t, root, `/* --token=hunter2 */ await lock.holdExclusive(root); say('held'); await told()`)
  await holder.says('held')
  await assert.rejects(
    holdShared(root, quick),
    (error) => isMoultError(error, 'LOCKED') && !/hunter2/.test(error.message) && /node/.test(error.message),
  )
})

test('[P2] work beside the app is done by one process at a time and keeps runs out', async (t) => {
  const root = scratch(t)
  const app = await holdShared(root, { create: true })
  app.dropGate()
  const work = await holdWork(root)
  await assert.rejects(holdWork(root, quick), { code: 'LOCKED' })
  app.release()
  await assert.rejects(holdExclusive(root, quick), { code: 'IN_USE' })
  ;(await holdShared(root)).release()
  work.release()
  ;(await holdExclusive(root, quick)).release()
})

test("[P1] two copies of moult in one process see one another's holds", async (t) => {
  const root = scratch(t)
  const source = new URL(import.meta.resolve('#moult/drivers/lock.js'))
  const copy = (await import(`${source.href}?copy`)) as Pick<typeof lock, 'holdShared'>
  const hold = await copy.holdShared(root, { create: true })
  hold.dropGate()
  await assert.rejects(
    holdExclusive(root),
    (error) => isMoultError(error, 'IN_USE') && error.details.holder === 'this process',
  )
  hold.release()
})
