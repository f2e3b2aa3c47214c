import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { holdExclusive, holdShared } from '#moult/drivers/lock.js'
import { isMoultError } from '#moult/model/errors.js'
import { startChild } from './lock-child.js'
import { scratch } from './scratch.js'

test('[G5] eight processes count to 200 together on a counter that loses counts when two work at once', async (t) => {
  const root = scratch(t)
  const counter = join(root, 'counter')
  writeFileSync(counter, '0')
  const script = `
    for (let round = 0; round < 25; round++) {
      const run = await lock.holdExclusive(root, { waitMs: 60_000 })
      const before = Number(fs.readFileSync(root + '/counter', 'utf8'))
      fs.writeFileSync(root + '/busy', String(process.pid), { flag: 'wx' })
      await sleep(Math.random() * 2)
      run.fence()
      fs.writeFileSync(root + '/counter', String(before + 1))
      fs.unlinkSync(root + '/busy')
      run.release()
    }
    say('done')`
  const children = Array.from({ length: 8 }, () => startChild(t, root, script))
  await Promise.all(children.map((child) => child.says('done')))
  assert.equal(readFileSync(counter, 'utf8'), '200')
})

test('[G5] eight programs that start together: one does the work, the others wait and then see it done', async (t) => {
  const root = scratch(t)
  const script = `
    let hold = await lock.holdShared(root, { create: true })
    const isDone = () => fs.existsSync(root + '/done')
    if (!isDone()) {
      hold.release()
      const gate = await lock.closeGate(root)
      if (isDone()) hold = await gate.downgradeToShared()
      else {
        const run = await gate.takeUse()
        await sleep(100)
        fs.writeFileSync(root + '/done', '', { flag: 'wx' })
        say('worked')
        hold = await run.downgradeToShared()
      }
    }
    hold.dropGate()
    say('open')
    await told()`
  const children = Array.from({ length: 8 }, () => startChild(t, root, script))
  const start = performance.now()
  await Promise.all(children.map((child) => child.says('open')))
  assert.equal(children.flatMap((child) => child.lines).filter((line) => line === 'worked').length, 1)
  assert.ok(performance.now() - start < 10_000, 'nobody waited for a program that stays open')
})

for (const what of ['holdExclusive', 'closeGate', 'holdShared'] as const)
  test(`[G5] a holder killed in ${what}: the next one goes on in under 2 s, and nothing is left to clean up`, async (t) => {
    const root = scratch(t)
    ;(await holdExclusive(root)).release()
    const holder = startChild(t, root, `await lock.${what}(root); say('held'); await told()`)
    await holder.says('held')
    const next = holdExclusive(root, { waitMs: 10_000 })
    await sleep(200)
    const start = performance.now()
    holder.kill('SIGKILL')
    const run = await next
    assert.ok(performance.now() - start < 2000)
    run.fence()
    run.release()
  })

test('[G5] a stopped holder keeps its lock: never two', async (t) => {
  const root = scratch(t)
  const holder = startChild(
    t,
    root,
    `const run = await lock.holdExclusive(root); say('held'); await told(); run.fence(); run.release(); say('whole')`,
  )
  await holder.says('held')
  holder.kill('SIGSTOP')
  await assert.rejects(holdExclusive(root, { waitMs: 1500 }), { code: 'LOCKED' })
  await assert.rejects(holdShared(root, { waitMs: 200 }), { code: 'LOCKED' })
  holder.kill('SIGCONT')
  holder.tell()
  await holder.says('whole')
  ;(await holdExclusive(root)).release()
})

test('[P2] a run gets in although short programs overlap all the time', async (t) => {
  const root = scratch(t)
  ;(await holdExclusive(root)).release()
  const script = `
    for (let turn = 0; ; turn++) {
      const hold = await lock.holdShared(root)
      hold.dropGate()
      if (turn === 0) say('ready')
      await sleep(60)
      hold.release()
    }`
  const readers = Array.from({ length: 4 }, () => startChild(t, root, script))
  await Promise.all(readers.map((reader) => reader.says('ready')))
  const start = performance.now()
  for (let round = 0; round < 5; round++) {
    const run = await holdExclusive(root, { waitMs: 5000 })
    run.release()
  }
  for (const reader of readers) reader.kill('SIGKILL')
  await Promise.all(readers.map((reader) => reader.ended))
  t.diagnostic(`5 runs got in after ${Math.round(performance.now() - start)} ms`)
})

test('[P2] two programs that both have it open and both want a run: both are refused, neither waits for ever', async (t) => {
  const root = scratch(t)
  const script = `
    const hold = await lock.holdShared(root, { create: true }); hold.dropGate(); say('open'); await told()
    try { await lock.holdExclusive(root, { waitMs: 500 }) } catch (error) { say('refused', error.code) }`
  const pair = [startChild(t, root, script), startChild(t, root, script)]
  await Promise.all(pair.map((child) => child.says('open')))
  pair.forEach((child) => child.tell())
  assert.deepEqual(await Promise.all(pair.map((child) => child.says('refused'))), ['IN_USE', 'IN_USE'])
})

test('[P1] a worker thread and the main thread exclude one another like two processes', async (t) => {
  const root = scratch(t)
  const lockModule = import.meta.resolve('#moult/drivers/lock.js')
  const code = `
    const { parentPort } = require('node:worker_threads')
    import(${JSON.stringify(lockModule)}).then(async ({ holdShared }) => {
      const hold = await holdShared(${JSON.stringify(root)}, { create: true })
      hold.dropGate()
      parentPort.postMessage('open')
      parentPort.once('message', () => { hold.release(); parentPort.postMessage('released') })
    })`
  const worker = new Worker(code, { eval: true })
  t.after(() => worker.terminate())
  const message = () => new Promise((resolve) => worker.once('message', resolve))
  assert.equal(await message(), 'open')
  await assert.rejects(holdExclusive(root, { waitMs: 200 }), (error) => isMoultError(error, 'IN_USE'))
  const released = message()
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker thread has no origin
  worker.postMessage('release')
  await released
  const run = await holdExclusive(root, { waitMs: 2000 })
  run.fence()
  run.release()
})
