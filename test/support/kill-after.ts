import { Worker } from 'node:worker_threads'

/**
 * Kills this process so long after `start` is called. By a thread: this process's own timers wait while SQLite works or
 * files are copied, and the test's while another test compares files.
 */
export async function killAfter(ms: number | null): Promise<{ start(): void }> {
  const moment = new Int32Array(new SharedArrayBuffer(4))
  if (ms !== null) {
    const killer = new Worker(
      `const { workerData: { moment, ms } } = require('node:worker_threads')
       Atomics.wait(moment, 0, 0)
       Atomics.wait(moment, 0, 1, ms)
       process.kill(process.pid, 'SIGKILL')`,
      { eval: true, workerData: { moment, ms } },
    )
    await new Promise((resolve) => killer.once('online', resolve))
    killer.unref()
  }
  return {
    start: () => {
      Atomics.store(moment, 0, 1)
      Atomics.notify(moment, 0)
    },
  }
}
