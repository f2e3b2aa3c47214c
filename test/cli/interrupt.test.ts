import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { CliProject, bin, configOf, twoSteps } from './cli-project.js'

const slow = `.step('slow', { up: async ({ db, signal }) => {
  db.exec('INSERT INTO t VALUES (99)')
  console.log('in the step')
  await new Promise((resolve, reject) => { setTimeout(resolve, 60000); if (!process.env.DEAF) signal.addEventListener('abort', () => reject(signal.reason)) })
} })`

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`[G3] ${signal} in the middle of a step ends with 130 and the state as it was`, async (t) => {
    const project = new CliProject({ 'moult.config.mjs': configOf(twoSteps) })
    t.after(() => project.remove())
    await project.run(['upgrade'])
    const bytes = readFileSync(join(project.data, 'db.sqlite'))
    project.write('moult.config.mjs', configOf(twoSteps + slow))
    const running = project.start([bin, 'upgrade', '--json'])
    await running.says('in the step')
    running.kill(signal)
    const { code, stdout, stderr } = await running.ended
    assert.equal(code, 130)
    const { outcome, error } = JSON.parse(stdout) as { outcome: string; error: { code: string } }
    assert.deepEqual([outcome, error.code], ['put-back', 'INTERRUPTED'])
    assert.match(stderr, /^error INTERRUPTED: .*Every store is as it was before/m)
    assert.deepEqual(readFileSync(join(project.data, 'db.sqlite')), bytes)
    assert.ok(!existsSync(join(project.data, '.moult/run')))
  })
}

test('[G1] a second signal ends at once, also when the step does not listen, and the next upgrade goes on from there', async (t) => {
  const project = new CliProject({ 'moult.config.mjs': configOf(twoSteps + slow) })
  t.after(() => project.remove())
  const running = project.start([bin, 'upgrade'], { env: { DEAF: '1' } })
  await running.says('in the step')
  running.kill('SIGINT')
  await running.says('once more ends at once')
  await new Promise((resolve) => setTimeout(resolve, 700))
  running.kill('SIGINT')
  assert.equal((await running.ended).code, 130)
  project.write('moult.config.mjs', configOf(twoSteps))
  assert.equal((await project.run(['upgrade'])).code, 0)
  assert.equal((await project.run(['verify'])).code, 0)
})

test('[G3] a Ctrl-C that npx sends a second time is one, and the state is put back', async (t) => {
  const project = new CliProject({ 'moult.config.mjs': configOf(twoSteps + slow) })
  t.after(() => project.remove())
  const running = project.start([bin, 'upgrade', '--json'])
  await running.says('in the step')
  running.kill('SIGINT')
  running.kill('SIGTERM')
  const { code, stdout } = await running.ended
  assert.deepEqual([code, (JSON.parse(stdout) as { outcome: string }).outcome], [130, 'put-back'])
})

test('[G5] SIGINT while waiting for another program ends with 130', async (t) => {
  const project = new CliProject({ 'moult.config.mjs': configOf(twoSteps) })
  t.after(() => project.remove())
  const holder = project.start([
    project.write(
      'hold.mjs',
      "import state from './moult.config.mjs'\nawait state.open({ onPending: 'continue' })\nconsole.log('open')\nsetInterval(() => {}, 1000)",
    ),
  ])
  try {
    await holder.says('open')
    const waiting = project.start([bin, 'upgrade'])
    await waiting.says('waiting for')
    waiting.kill('SIGINT')
    assert.equal((await waiting.ended).code, 130)
  } finally {
    holder.kill('SIGKILL')
    await holder.ended
  }
})

test('[A9] SIGINT while a config loads ends with 130 at once', async (t) => {
  const project = new CliProject({
    'moult.config.mjs': "console.log('loading')\nawait new Promise((resolve) => setTimeout(resolve, 60000))",
  })
  t.after(() => project.remove())
  const running = project.start([bin, 'status'])
  await running.says('loading')
  running.kill('SIGINT')
  const { code, stderr } = await running.ended
  assert.equal(code, 130)
  assert.match(stderr, /error INTERRUPTED: Interrupted\. Nothing was changed\./)
})

test('[K6] of two upgrades started together each step takes effect once, and both end with 0', async (t) => {
  const project = new CliProject({
    'moult.config.mjs': configOf(
      `${twoSteps}.step('add', { up: async ({ db }) => { db.exec('INSERT INTO t VALUES (7)'); await new Promise((resolve) => setTimeout(resolve, 300)) } })`,
    ),
  })
  t.after(() => project.remove())
  const ended = await Promise.all([
    project.run(['upgrade', '--json']),
    project.run(['upgrade', '--json']),
    project.run(['upgrade', '--json']),
  ])
  assert.deepEqual(
    ended.map(({ code }) => code),
    [0, 0, 0],
    ended.map(({ stderr }) => stderr).join(''),
  )
  const outcomes = ended.map(({ stdout }) => (JSON.parse(stdout) as { outcome: string }).outcome)
  assert.deepEqual(outcomes.sort(), ['up-to-date', 'up-to-date', 'upgraded'])
  const history = JSON.parse((await project.run(['history', '--json'])).stdout) as { steps: { step: string }[] }
  assert.deepEqual(
    history.steps.map(({ step }) => step),
    ['create', 'double', 'add'],
  )
})
