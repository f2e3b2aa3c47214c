import { Worker } from 'node:worker_threads'
import type { Example } from '../../examples/index.js'

// One process that upgrades one example's state: `upgrade-child.js NAME ROOT [at MILLISECONDS] [kill after MILLISECONDS]`
const [name, root, startAt, killAfter] = process.argv.slice(2)
if (name === undefined || root === undefined) throw new Error('which example, and where?')
const { state } = (await import(`../../examples/${name}/index.js`)) as Pick<Example, 'state'>
const wait = Number(startAt ?? 0) - Date.now()
if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))

// By a thread: this process's own timers wait while SQLite works, and the test's while another test compares files.
const moment = new Int32Array(new SharedArrayBuffer(4))
if (killAfter !== undefined) {
  const killer = new Worker(
    `const { workerData: { moment, ms } } = require('node:worker_threads')
     Atomics.wait(moment, 0, 0)
     Atomics.wait(moment, 0, 1, ms)
     process.kill(process.pid, 'SIGKILL')`,
    { eval: true, workerData: { moment, ms: Number(killAfter) } },
  )
  await new Promise((resolve) => killer.once('online', resolve))
  killer.unref()
}
Atomics.store(moment, 0, 1)
Atomics.notify(moment, 0)
const startedAt = performance.now()
const report = await state.in(root).upgrade({ waitMs: 60_000 })
const ms = performance.now() - startedAt
const steps = report.steps.map((step) => `${step.store}/${step.step}`)
process.stdout.write(`${JSON.stringify({ outcome: report.outcome, steps, recovered: report.recovered, ms })}\n`)
