import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { errorTable } from 'moult'
import { CliProject, configOf, twoSteps } from './cli-project.js'

const json = (text: string) =>
  JSON.parse(text) as {
    ok: boolean
    outcome: string | null
    error: { code: string } | null
    stores: { version: number }[]
  }

test('[A9] status, upgrade, verify and history of a state end with 0, and status --check says 3 before and 0 after', async (t) => {
  const project = new CliProject({ 'moult.config.mjs': configOf(twoSteps) })
  t.after(() => project.remove())
  const pending = await project.run(['status', '--check', '--json'])
  assert.equal(pending.code, 3)
  assert.equal(json(pending.stdout).error?.code, 'UPGRADE_PENDING')
  assert.equal((await project.run(['status'])).code, 0)
  assert.deepEqual(readdirSync(project.data), [], 'looking changes nothing')
  assert.equal((await project.run(['plan'])).code, 0)
  assert.equal((await project.run(['upgrade'])).code, 0)
  assert.equal((await project.run(['status', '--check'])).code, 0)
  assert.equal((await project.run(['verify'])).code, 0)
  const history = await project.run(['history'])
  assert.equal(history.code, 0)
  assert.match(history.stdout, /db\/create +up +done .*agent 1\.0\.0\n.*db\/double/)
})

test('[A9] upgrade --target goes only so far', async (t) => {
  const project = new CliProject({ 'moult.config.mjs': configOf(twoSteps) })
  t.after(() => project.remove())
  const { code, stdout } = await project.run(['upgrade', '--target', 'db@create', '--json'])
  assert.equal(code, 0)
  assert.equal(json(stdout).stores[0]?.version, 1)
  assert.match((await project.run(['status'])).stdout, /db +sqlite +db\.sqlite +1 +2 +behind +double\n/)
  const unknown = await project.run(['upgrade', '--target', 'db@no'])
  assert.equal(unknown.code, errorTable.TARGET_UNKNOWN.exit)
  assert.match(unknown.stderr, /^error TARGET_UNKNOWN: .*'db@no'.*\nhint: .*create, double/)
})

test('[R4] data of a newer program ends with 4, in upgrade, plan and status --check, and stays as it is', async (t) => {
  const project = new CliProject({ 'moult.config.mjs': configOf(twoSteps) })
  t.after(() => project.remove())
  await project.run(['upgrade'])
  project.write(
    'moult.config.mjs',
    configOf(`.step('create', { up: 'CREATE TABLE t(x); INSERT INTO t VALUES (1), (2)' })`),
  )
  const bytes = readFileSync(join(project.data, 'db.sqlite'))
  for (const args of [['upgrade'], ['plan'], ['status', '--check']]) {
    const { code, stdout } = await project.run([...args, '--json'])
    assert.equal(code, 4, args.join(' '))
    assert.ok(stdout.includes('STORE_NEWER'), args.join(' '))
  }
  assert.equal((await project.run(['status'])).code, 0)
  assert.deepEqual(readFileSync(join(project.data, 'db.sqlite')), bytes)
})

test('[K6] upgrading a state that another program has open ends with 5 after --wait', async (t) => {
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
    const { code, stderr, stdout } = await project.run(['upgrade', '--wait', '0.3', '--json'])
    assert.equal(code, 5)
    assert.equal(json(stdout).error?.code, 'IN_USE')
    assert.match(stderr, /waiting for .*\n/)
  } finally {
    holder.kill('SIGKILL')
    await holder.ended
  }
  assert.equal((await project.run(['upgrade'])).code, 0, 'a dead holder blocks nobody')
})

test('[G1] a run that was killed ends status --check with 6, and the next upgrade with 0', async (t) => {
  const project = new CliProject({
    'moult.config.mjs': configOf(
      `.step('slow', { up: async ({ db }) => { db.exec('CREATE TABLE t(x)'); console.log('in the step'); await new Promise((resolve) => setTimeout(resolve, process.env.SLOW)) } })`,
    ),
  })
  t.after(() => project.remove())
  const killed = project.start([join(project.path, 'node_modules/moult/dist/cli/bin.js'), 'upgrade'], {
    env: { SLOW: '60000' },
  })
  await killed.says('in the step')
  killed.kill('SIGKILL')
  await killed.ended
  const check = await project.run(['status', '--check', '--json'])
  assert.equal(check.code, 6)
  assert.equal(json(check.stdout).error?.code, 'UNFINISHED')
  assert.match((await project.run(['status'])).stdout, /^unfinished: /m)
  const next = await project.run(['upgrade'], { env: { SLOW: '0' } })
  assert.equal(next.code, 0)
  assert.match(next.stderr, /undid what an earlier run had left/)
  assert.equal((await project.run(['status', '--check'])).code, 0)
})

test('[G3] a step that throws ends with 7, says so, and leaves the database byte for byte', async (t) => {
  const project = new CliProject({ 'moult.config.mjs': configOf(twoSteps) })
  t.after(() => project.remove())
  await project.run(['upgrade'])
  const bytes = readFileSync(join(project.data, 'db.sqlite'))
  project.write(
    'moult.config.mjs',
    configOf(
      `${twoSteps}.step('bad', { up: ({ db }) => { db.exec('DROP TABLE t'); throw new Error('no such luck') } })`,
    ),
  )
  const { code, stdout, stderr } = await project.run(['upgrade', '--json'])
  assert.equal(code, 7)
  assert.equal(json(stdout).outcome, 'put-back')
  assert.match(stderr, /^error STEP_FAILED: .*Every store is as it was before\.\nhint: /m)
  assert.doesNotMatch(stderr, /\n {4}at /)
  assert.deepEqual(readFileSync(join(project.data, 'db.sqlite')), bytes)
  const verbose = await project.run(['upgrade', '--verbose'])
  assert.match(verbose.stderr, /caused by Error: no such luck\n {4}at .*moult\.config\.mjs/)
})

test('[A9] an error that nobody foresaw ends with 1 and promises nothing', async (t) => {
  const project = new CliProject({
    'moult.config.mjs':
      "export default { '~moult': 1, root: '/', in() {}, upgrade() {}, async status() { throw new Error('boom') } }",
  })
  t.after(() => project.remove())
  const { code, stdout, stderr } = await project.run(['status', '--json'])
  assert.equal(code, 1)
  assert.equal(json(stdout).error?.code, 'UNEXPECTED')
  assert.match(stderr, /^error UNEXPECTED: boom\nhint: .*nothing is promised/)
})
