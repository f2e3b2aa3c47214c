import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { defineState, isMoultError, sqlite } from 'moult'
import type { RunEvent } from 'moult'
import { exitCodeOf } from '#moult/cli/exit-code.js'
import { startChild } from '../drivers/lock-child.js'
import { temporaryFolder } from '../support/footprint.js'
import { openDatabase } from '../support/sqlite.js'

const state = defineState({
  app: 'a',
  stores: [sqlite('db', { path: 'x.db' }).adopt('oldest').step('create', { up: 'CREATE TABLE z(a)' })],
})

/** A state whose upgrade was killed in its step. */
async function killedRun(t: TestContext, mode: string): Promise<string> {
  const root = temporaryFolder(t)
  const database = openDatabase(join(root, 'x.db'))
  database.exec(`PRAGMA journal_mode = ${mode}; CREATE TABLE t(a)`)
  database.close()
  const child = startChild(
    t,
    root,
    `const { defineState, sqlite } = await import('${import.meta.resolve('moult')}')
    const up = ({ db }) => { db.exec('CREATE TABLE z(a)'); process.kill(process.pid, 'SIGKILL') }
    await defineState({ app: 'a', root, stores: [sqlite('db', { path: 'x.db' }).adopt('oldest').step('create', { up })] }).upgrade()`,
  )
  await child.ended
  assert.ok(existsSync(join(root, '.moult/run')))
  return root
}

describe('[P18] recovery waits for a program that has a database', () => {
  for (const mode of ['DELETE', 'WAL'])
    for (const [who, sql] of [
      ['reads', 'BEGIN; SELECT * FROM t'],
      ['writes', 'BEGIN IMMEDIATE'],
    ] as const)
      it(`one that ${who}, in ${mode} mode, while the event loop goes on`, async (t) => {
        const root = await killedRun(t, mode)
        const holder = openDatabase(join(root, 'x.db'))
        holder.exec(sql)
        const letGo = setTimeout(() => {
          holder.exec('COMMIT')
          holder.close()
        }, 400)
        t.after(() => clearTimeout(letGo))
        const report = await state.in(root).upgrade({ waitMs: 20_000 })
        assert.deepEqual([report.recovered, report.outcome], ['back', 'upgraded'])
      })

  it('and no longer than it may: IN_USE names it, and what was left is left', async (t) => {
    const root = await killedRun(t, 'DELETE')
    const holder = startChild(
      t,
      root,
      `const { lockDriver } = await import('#moult/drivers/choose-driver.js')
      const held = lockDriver().open(root + '/x.db', { readOnly: false })
      held.exec('BEGIN IMMEDIATE'); say('held'); await told()`,
    )
    await holder.says('held')
    const events: RunEvent[] = []
    const started = performance.now()
    const error = await state
      .in(root)
      .upgrade({ waitMs: 300, onEvent: (event) => events.push(event) })
      .catch((thrown: unknown) => thrown)
    assert.ok(isMoultError(error, 'IN_USE'), String(error))
    assert.ok(performance.now() - started >= 300)
    assert.ok((error.details.waitedMs ?? 0) >= 290)
    if (process.platform === 'linux') assert.match(error.message, new RegExp(`pid ${holder.pid}`))
    assert.ok(events.some(({ type }) => type === 'waiting'))
    assert.equal(error.report?.outcome, 'unfinished')
    assert.equal(exitCodeOf(error), 6)
    assert.ok(existsSync(join(root, '.moult/run')))
    holder.kill('SIGKILL')
    await holder.ended
    assert.equal((await state.in(root).upgrade()).outcome, 'upgraded')
  })

  it('until it is told to stop: INTERRUPTED, and what was left is left', async (t) => {
    const root = await killedRun(t, 'DELETE')
    const holder = openDatabase(join(root, 'x.db'))
    holder.exec('BEGIN IMMEDIATE')
    const stop = new AbortController()
    setTimeout(() => stop.abort(), 200)
    const started = performance.now()
    const error = await state
      .in(root)
      .upgrade({ waitMs: 20_000, signal: stop.signal })
      .catch((thrown: unknown) => thrown)
    holder.close()
    assert.ok(isMoultError(error, 'INTERRUPTED'), String(error))
    assert.equal(error.report?.outcome, 'unfinished')
    assert.ok(performance.now() - started < 10_000)
    assert.ok(existsSync(join(root, '.moult/run')))
  })
})
