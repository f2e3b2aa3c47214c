import assert from 'node:assert/strict'
import { once } from 'node:events'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { contentOf } from './content.js'
import { oldState } from './small-state.js'

const smallState = new URL('./small-state.js', import.meta.url).href

/** What `backups.create()` comes to in a worker thread, where databases are copied by processes of their own. */
async function createInWorker(root: string, prepare: string): Promise<unknown> {
  const script = `
    const { parentPort } = require('node:worker_threads')
    ${prepare}
    import(${JSON.stringify(smallState)}).then(async ({ stateIn }) => {
      const came = await stateIn(${JSON.stringify(root)}).backups.create().then(({ whole }) => ({ whole }), ({ message }) => ({ message }))
      await new Promise((resolve) => setTimeout(resolve, 200))
      parentPort.postMessage(came)
    })`
  const worker = new Worker(script, { eval: true })
  // Rejects if the worker dies of an error
  const [came] = (await once(worker, 'message')) as unknown[]
  await worker.terminate()
  return came
}

test('[P1] [A16] in a worker thread a backup is made as anywhere; processes that cannot be started are an error of the call', async (t) => {
  const { root, state } = oldState(t)
  const before = contentOf(root)
  assert.deepEqual(await createInWorker(root, ''), { whole: true })
  assert.deepEqual(await state.backups.verify(), [])
  const failed = (await createInWorker(root, "process.execPath = '/nowhere/node'")) as { message: string }
  assert.match(failed.message, /copy-child/)
  assert.equal(fs.readdirSync(join(root, '.moult/backups')).length, 1)
  assert.deepEqual(contentOf(root), before)
})
