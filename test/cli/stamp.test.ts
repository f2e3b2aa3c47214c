import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { join } from 'node:path'
import { openDatabase } from '../support/sqlite.js'
import { CliProject, configOf, twoSteps } from './cli-project.js'

async function project(t: TestContext): Promise<CliProject> {
  const made = new CliProject({ 'moult.config.mjs': configOf(twoSteps) })
  t.after(() => made.remove())
  assert.equal((await made.run(['upgrade'])).code, 0)
  return made
}

const edited = configOf(twoSteps.replace('x * 2', 'x * 2 -- doubled').replace('TABLE t(x)', 'TABLE t(x )'))

test('[A5] [K5] [A9] upgrade --accept-edited goes on where the step is named, and only there; history says so', async (t) => {
  const made = await project(t)
  made.write('moult.config.mjs', edited)
  const refused = await made.run(['upgrade', '--accept-edited', 'db@create'])
  assert.equal(refused.code, 4)
  assert.match(
    refused.stderr,
    /error STORE_EDITED: The step db\/double was changed.*\nhint: .*--accept-edited db@double/,
  )
  const accepted = await made.run(['upgrade', '--accept-edited', 'db@create', '--accept-edited', 'db@2'])
  assert.equal(accepted.code, 0, accepted.stderr)
  assert.match(accepted.stdout, /: upgraded\ndb\/create +accepted +0 ms +was sha256:\w{64}\ndb\/double +accepted/)
  const again = await made.run(['upgrade', '--accept-edited', 'db@create'])
  assert.equal(again.code, 0)
  assert.match(again.stdout, /: up-to-date\n0 of 1 edits accepted; the other steps are here as they were applied\./)
  assert.match((await made.run(['history'])).stdout, /db\/create +up +accepted .*was sha256:/)
  const unknown = await made.run(['upgrade', '--accept-edited', 'db@creat'])
  assert.equal(unknown.code, 2)
  assert.match(unknown.stderr, /TARGET_UNKNOWN.*'db@creat'/)
})

test('[A9] [A17] stamp writes a marker that was lost, says who and why in history, and asks for a reason', async (t) => {
  const made = await project(t)
  const db = openDatabase(join(made.data, 'db.sqlite'))
  db.exec('DROP TABLE moult_steps')
  db.close()
  const lost = await made.run(['upgrade'])
  assert.equal(lost.code, 4)
  assert.match(lost.stderr, /error MARKER_LOST.*\nhint: .*moult stamp/)
  for (const [args, says] of [
    [['stamp', 'db@double'], /stamp needs a reason/],
    [['stamp', '--reason', 'x'], /stamp takes targets/],
    [['stamp', 'db@double', '--reason', ' '], /stamp needs a reason/],
    [['stamp', 'double', '--reason', 'x'], /store@version/],
  ] as const) {
    const { code, stderr } = await made.run(args)
    assert.equal(code, 2, stderr)
    assert.match(stderr, says)
  }
  const stamped = await made.run(['stamp', 'db@double', '--reason', 'table dropped by hand'])
  assert.equal(stamped.code, 0, stamped.stderr)
  assert.match(stamped.stdout, /: stamped\ndb\/create +stamped\ndb\/double +stamped\nbackup: .*\nNobody has checked/)
  assert.match(
    (await made.run(['stamp', 'db@2', '--reason', 'again'])).stdout,
    /: up-to-date\nThe markers say so already/,
  )
  assert.match((await made.run(['upgrade'])).stdout, /: up-to-date/)
  const { stdout } = await made.run(['history', '--json'])
  const { steps } = JSON.parse(stdout) as { steps: Record<string, unknown>[] }
  assert.deepEqual(
    steps.slice(2).map(({ step, result, reason, appVersion }) => [step, result, reason, appVersion]),
    [
      ['create', 'stamped', 'table dropped by hand', '1.0.0'],
      ['double', 'stamped', 'table dropped by hand', '1.0.0'],
    ],
  )
  const behind = await made.run(['stamp', 'db@1', '--reason', 'x', '--json'])
  assert.equal(behind.code, 4)
  const document = JSON.parse(behind.stdout) as { command: string; outcome: string; error: { code: string } }
  assert.deepEqual([document.command, document.outcome, document.error.code], ['stamp', 'refused', 'TARGET_BEHIND'])
})

test('[A1] [A9] history tells of failures by code, and with --verbose of runs and checksums', async (t) => {
  const made = await project(t)
  made.write('moult.config.mjs', configOf(`${twoSteps}.step('third', { up: 'SELEKT 1' })`))
  assert.equal((await made.run(['upgrade'])).code, 7)
  const plain = await made.run(['history'])
  assert.match(plain.stdout, /^WHEN +STEP +WAY +RESULT +TIME +BY\n/)
  assert.match(plain.stdout, /db\/third +up +failed +[\d.]+ ms +agent 1\.0\.0 +STEP_FAILED: .*SELEKT/)
  const verbose = await made.run(['history', '--verbose'])
  assert.match(verbose.stdout, /BY +RUN +CHECKSUM\n.*db\/create .* [0-9a-f-]{36} +sha256:[0-9a-f]{64}\n/)
  rmSync(join(made.data, '.moult/history.jsonl'))
  assert.match((await made.run(['history'])).stdout, /no step was ever run here/)
})
