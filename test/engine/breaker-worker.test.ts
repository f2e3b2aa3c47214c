import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { defineState, sqlite } from 'moult'
import { temporaryFolder } from '../support/footprint.js'
import { openDatabase } from '../support/sqlite.js'

const index = sqlite('index', { path: 'index.db' }).step('create', { up: 'CREATE TABLE entry(id)' })

/** Whether another process gets the write lock. */
function otherProcessCanWrite(path: string): boolean {
  const support = new URL('../support/sqlite.js', import.meta.url).href
  const script = `
    const { openDatabase } = await import(${JSON.stringify(support)})
    const database = openDatabase(${JSON.stringify(path)})
    database.exec('PRAGMA busy_timeout = 0')
    try { database.exec('BEGIN IMMEDIATE'); console.log('yes') } catch { console.log('no') }`
  return execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }).trim() === 'yes'
}

describe('[P1] a worker thread that used a state and ended', () => {
  it("takes no locks of the app's other threads with it", async (t) => {
    const root = temporaryFolder(t)
    await defineState({ app: 'agent', stores: [index] })
      .in(root)
      .upgrade()
    const path = join(root, 'index.db')
    const app = openDatabase(path)
    app.exec('BEGIN IMMEDIATE; INSERT INTO entry VALUES (1)')
    assert.equal(otherProcessCanWrite(path), false, 'the app has the lock')

    const worker = new Worker(fileURLToPath(new URL('./breaker-worker-child.js', import.meta.url)), {
      workerData: root,
    })
    const code = await new Promise((resolve, reject) => worker.on('exit', resolve).on('error', reject))
    assert.equal(code, 0)

    assert.equal(otherProcessCanWrite(path), false, 'the app still has the lock')
    app.exec('COMMIT')
    app.close()
  })
})
