import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { CliProject, configOf, twoSteps } from './cli-project.js'

const documentKeys = [
  'moult',
  'command',
  'ok',
  'outcome',
  'dryRun',
  'root',
  'stores',
  'steps',
  'rehearsal',
  'backups',
  'problems',
  'backup',
  'error',
]
const storeKeys = [
  'name',
  'kind',
  'path',
  'status',
  'version',
  'head',
  'floor',
  'pending',
  'tracks',
  'left',
  'unchecked',
]
const stepKeys = ['store', 'track', 'step', 'direction', 'result', 'ms', 'changes']

interface Document {
  readonly command: string
  readonly ok: boolean
  readonly outcome: string | null
  readonly root: string
  readonly stores: readonly object[]
  readonly steps: readonly { readonly changes: object | null }[]
  readonly unclaimed?: readonly string[]
}

test('[A9] --json is one document with all its keys, for each command and whatever came of it', async (t) => {
  const project = new CliProject({ 'moult.config.mjs': configOf(twoSteps) })
  t.after(() => project.remove())
  const calls = [
    ['status'],
    ['plan'],
    ['upgrade'],
    ['upgrade'],
    ['status', '--check'],
    ['history'],
    ['verify'],
    ['upgrade', '--target', 'x@1'],
    ['plan', '--no'],
    ['status', '--data-dir', 'no'],
  ]
  for (const args of calls) {
    const { code, stdout } = await project.run([...args, '--json'])
    assert.equal(stdout.indexOf('\n'), stdout.length - 1, 'one line')
    const document = JSON.parse(stdout) as Document
    assert.deepEqual(Object.keys(document), documentKeys, args.join(' '))
    assert.equal(document.ok, code === 0)
    for (const store of document.stores) assert.deepEqual(Object.keys(store).sort(), [...storeKeys].sort())
    for (const step of document.steps) {
      for (const key of stepKeys) assert.ok(key in step, `${args.join(' ')}: ${key}`)
      if (step.changes)
        assert.deepEqual(Object.keys(step.changes), ['filesAdded', 'filesChanged', 'filesRemoved', 'records', 'rows'])
    }
    if (code === 0) assert.equal(document.root, project.data)
  }
  assert.equal((JSON.parse((await project.run(['upgrade', '--json'])).stdout) as Document).outcome, 'up-to-date')
})

test('[A9] what a config and its steps print does not mix with the document', async (t) => {
  const project = new CliProject({
    'moult.config.mjs': `console.log('config')\n${configOf(`.step('loud', { up: ({ db }) => { console.log('step'); process.stdout.write('raw'); db.exec('CREATE TABLE t(x)') } })`)}`,
  })
  t.after(() => project.remove())
  const { code, stdout, stderr } = await project.run(['upgrade', '--json'])
  assert.equal(code, 0)
  assert.equal((JSON.parse(stdout) as Document).command, 'upgrade')
  assert.equal(stderr, 'config\nstep\nraw')
})

test('[A9] a document larger than a pipe arrives whole, and a reader that has seen enough is no failure', async (t) => {
  const project = new CliProject({ 'moult.config.mjs': configOf(twoSteps) })
  t.after(() => project.remove())
  for (let i = 0; i < 3000; i += 1) writeFileSync(join(project.data, `${i}-${'x'.repeat(80)}`), '')
  const { code, stdout } = await project.run(['status', '--verbose', '--json'])
  assert.equal(code, 0)
  assert.ok(stdout.length > 200_000)
  assert.equal((JSON.parse(stdout) as Document).unclaimed?.length, 3000)
  const script = project.write(
    'pipe.mjs',
    `import { spawn } from 'node:child_process'
const child = spawn(process.execPath, [${JSON.stringify(join(project.path, 'node_modules/moult/dist/cli/bin.js'))}, 'status', '--verbose'], { stdio: ['ignore', 'pipe', 'inherit'] })
child.stdout.once('data', () => child.stdout.destroy())
child.on('close', (code) => console.log('ended', code))`,
  )
  const piped = await project.start([script]).ended
  assert.deepEqual([piped.stdout, piped.stderr], ['ended 0\n', ''])
})

test('[A9] into a pipe go no escapes: no colour, no progress, not even from names of files and messages', async (t) => {
  const project = new CliProject({
    'moult.config.mjs': configOf(
      `${twoSteps}.step('bad', { up: ({ progress }) => { progress(1, 2); throw new Error('\\u001b[31mred\\u0007') } })`,
    ),
  })
  t.after(() => project.remove())
  writeFileSync(join(project.data, 'evil\u001B[2Jname\nand \u202Emore'), '')
  for (const args of [
    ['status', '--verbose'],
    ['plan'],
    ['upgrade', '--verbose'],
    ['history'],
    ['verify'],
    ['stauts'],
    ['--help'],
  ]) {
    const { stdout, stderr } = await project.run(args, { env: { FORCE_COLOR: '1' } })
    assert.match(stdout + stderr, /\n/)
    assert.doesNotMatch(stdout + stderr, /[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u202E]/, args.join(' '))
  }
  assert.match((await project.run(['status', '--verbose'])).stdout, /evil\\u001b\[2Jname/)
})

test('[A9] --events prints what happens on stderr, a line of JSON each, and leaves stdout alone', async (t) => {
  const project = new CliProject({ 'moult.config.mjs': configOf(twoSteps) })
  t.after(() => project.remove())
  const { stdout, stderr } = await project.run(['upgrade', '--events', '--json'])
  const events = stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string })
  assert.deepEqual([...new Set(events.map(({ type }) => type))], ['planned', 'step', 'commit'])
  assert.equal((JSON.parse(stdout) as Document).outcome, 'upgraded')
})

test('[K5] status --verbose names steps whose checksum cannot be compared, and files of no store', async (t) => {
  const project = new CliProject({
    'moult.config.mjs': configOf(`.step('code', { up: ({ db }) => { db.exec('CREATE TABLE t(x)') } })`),
  })
  t.after(() => project.remove())
  await project.run(['upgrade'])
  writeFileSync(join(project.data, 'stray'), '')
  const { stdout } = await project.run(['status', '--verbose'])
  assert.match(stdout, /unchecked.*: db\/code\n/)
  assert.match(stdout, /files that belong to no store:\n {2}stray\n/)
  assert.doesNotMatch((await project.run(['status'])).stdout, /unchecked|stray/)
})

test('[G8] a mistyped path is asked about before a run makes the store anew', async (t) => {
  const config = configOf(`.step('make', { up: 'CREATE TABLE t(x)' })`)
  const project = new CliProject({ 'moult.config.mjs': config })
  t.after(() => project.remove())
  assert.doesNotMatch((await project.run(['upgrade'])).stderr, /path/)
  rmSync(join(project.data, '.moult'), { recursive: true })
  project.write('moult.config.mjs', config.replace('db.sqlite', 'new.sqlite'))
  const asked = /1 file belongs to no store, and a store is fresh: is its path right\?/
  assert.match((await project.run(['status'])).stdout, asked)
  assert.match((await project.run(['plan'])).stdout, asked)
  const upgraded = await project.run(['upgrade'])
  assert.equal(upgraded.code, 0)
  assert.match(
    upgraded.stderr,
    /warning UNCLAIMED_FILES: db\.sqlite belongs to no store, and there is no data yet of db: is the path right\?/,
  )
})

test('[C4] documents that were left are named by upgrade and by every status, and only the first ten without --verbose', async (t) => {
  const project = new CliProject({
    'moult.config.mjs': `import { defineState, record, records } from 'moult'
const any = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } }
const Session = record('session', { versionKey: 'v', unversioned: 1 }).version(1, any).version(2, any, { up: (value) => ({ ...value, n: 2 }) })
const sessions = records('sessions', { path: 'sessions', files: '*.json', record: Session })
export default defineState({ app: 'agent', stores: [sessions] }).in(new URL('./data', import.meta.url).pathname)`,
    'data/sessions/good.json': '{"v":1}',
  })
  t.after(() => project.remove())
  for (let i = 10; i < 22; i += 1) project.write(`data/sessions/bad${i}.json`, '{"v":')
  const upgraded = await project.run(['upgrade'])
  assert.deepEqual([upgraded.code, upgraded.stderr], [0, ''])
  for (const { stdout } of [upgraded, await project.run(['status'])]) {
    assert.match(stdout, /sessions: 12 documents left unchanged, .*:\n {2}bad10\.json: .*\n(.*\n){9} {2}and 2 more/)
  }
  assert.match((await project.run(['status', '--verbose'])).stdout, / {2}bad21\.json: /)
  const document = JSON.parse((await project.run(['status', '--json'])).stdout) as { stores: { left: object[] }[] }
  assert.equal(document.stores[0]?.left.length, 12)
})
