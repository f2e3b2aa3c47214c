import { Worker } from 'node:worker_threads'
import { stateIn } from './small-state.js'

// One process that restores a backup: `restore-child.js ROOT ID [kill after MILLISECONDS]`
const [root, id, killAfter] = process.argv.slice(2)
if (root === undefined || id === undefined) throw new Error('which backup, and where?')
const state = stateIn(root)
// By a thread: this process's own timers wait while files are copied
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
const { outcome } = await state.backups.restore(id)
process.stdout.write(`${JSON.stringify({ outcome, ms: performance.now() - startedAt })}\n`)
