import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorTable } from 'moult'
import { footprint } from '../support/footprint.js'
import { CliProject, configOf } from './cli-project.js'

const steps = `
  .step('create', { up: 'CREATE TABLE t(x)', down: 'DROP TABLE t' })
  .step('fill', { up: 'INSERT INTO t VALUES (1), (2)', down: 'DELETE FROM t' })
  .step('merge', { up: 'SELECT 1', down: 'impossible' })
  .step('column', { up: 'ALTER TABLE t ADD COLUMN y', down: 'ALTER TABLE t DROP COLUMN y' })`

interface Document {
  readonly ok: boolean
  readonly outcome: string | null
  readonly stores: readonly { readonly version: number; readonly status: string }[]
  readonly steps: readonly { readonly step: string; readonly direction: string; readonly result: string }[]
  readonly error: { readonly code: string } | null
}

const json = (text: string): Document => JSON.parse(text) as Document

test('[A6] downgrade --target brings a store back; the document says so, and history and status too', async (t) => {
  const project = new CliProject({ 'moult.config.mjs': configOf(steps) })
  t.after(() => project.remove())
  await project.run(['upgrade'])
  const { code, stdout } = await project.run(['downgrade', '--target', 'db@merge', '--json'])
  const document = json(stdout)
  assert.deepEqual([code, document.ok, document.outcome], [0, true, 'downgraded'])
  assert.deepEqual(
    document.steps.map(({ step, direction, result }) => [step, direction, result]),
    [['column', 'down', 'done']],
  )
  assert.deepEqual(
    document.stores.map(({ version, status }) => [version, status]),
    [[3, 'behind']],
  )
  assert.equal((await project.run(['status', '--check'])).code, 3)
  assert.match((await project.run(['history'])).stdout, /db\/column +down +done/)
  const again = await project.run(['downgrade', '--target', 'db@3', '--wait', '1'])
  assert.deepEqual([again.code, /: up-to-date\n/.test(again.stdout)], [0, true])
  assert.match((await project.run(['upgrade'])).stdout, /: upgraded\ndb\/column +done/)
  assert.match((await project.run(['downgrade', '--target', 'db@merge'])).stdout, /: downgraded\ndb\/column +done/)
})

test('[A6] a way back that is missing ends with 4 and nothing changed; without --target it is a mistake: 2', async (t) => {
  const project = new CliProject({ 'moult.config.mjs': configOf(steps) })
  t.after(() => project.remove())
  await project.run(['upgrade'])
  const before = footprint(project.data)
  const refused = await project.run(['downgrade', '--target', 'db@0', '--json'])
  assert.deepEqual(
    [refused.code, json(refused.stdout).error?.code, json(refused.stdout).outcome],
    [errorTable.DOWN_MISSING.exit, 'DOWN_MISSING', 'refused'],
  )
  assert.match(
    refused.stderr,
    /^error DOWN_MISSING: The step db\/merge cannot be undone.*\nhint: Go back no further than db@3/,
  )
  for (const [args, exit, message] of [
    [['downgrade'], 2, /--target is missing/],
    [['downgrade', '--target', 'db@9'], 2, /TARGET_UNKNOWN/],
    [['downgrade', '--target', 'x@1'], 2, /TARGET_UNKNOWN/],
    [['downgrade', '--tagret', 'db@1'], 2, /--target/],
  ] as const) {
    const { code, stderr } = await project.run(args)
    assert.equal(code, exit, args.join(' '))
    assert.match(stderr, message)
  }
  assert.deepEqual(footprint(project.data), before)
})

test('[A6] a way back that fails ends with 7, and puts everything back', async (t) => {
  const project = new CliProject({
    'moult.config.mjs': configOf(`.step('create', { up: 'CREATE TABLE t(x)', down: 'DROP TABLE nowhere' })`),
  })
  t.after(() => project.remove())
  await project.run(['upgrade'])
  const before = footprint(project.data)
  const { code, stderr } = await project.run(['downgrade', '--target', 'db@0'])
  assert.equal(code, 7)
  assert.match(
    stderr,
    /^error STEP_FAILED: While db\/create was being undone: .*nowhere.* Every store is as it was before\./,
  )
  assert.deepEqual(footprint(project.data), before)
})

test('[G5] [A6] of two that start together one goes back, the other waits and finds nothing to do', async (t) => {
  const project = new CliProject({ 'moult.config.mjs': configOf(steps) })
  t.after(() => project.remove())
  for (let round = 0; round < 3; round++) {
    await project.run(['upgrade'])
    const both = await Promise.all([0, 1].map(() => project.run(['downgrade', '--target', 'db@merge', '--json'])))
    assert.deepEqual(both.map(({ code, stdout }) => [code, json(stdout).outcome]).toSorted(), [
      [0, 'downgraded'],
      [0, 'up-to-date'],
    ])
  }
})
