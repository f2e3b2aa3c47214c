import assert from 'node:assert/strict'
import { cpSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { checkout } from '../support/checkout.js'
import { CliProject, configOf, twoSteps } from './cli-project.js'

const commonJs = `
const { defineState, sqlite } = require('moult')
const db = sqlite('db', { path: 'db.sqlite' })${twoSteps}
module.exports = defineState({ app: 'agent', stores: [db] }).in(require('node:path').join(__dirname, 'data'))
`
const typeScript = `
import { defineState, sqlite, type State } from 'moult'
import { join } from 'node:path'
enum Name { db = 'db' }
const db = sqlite(Name.db, { path: 'db.sqlite' as string })${twoSteps}
const state: State = defineState({ app: 'agent', stores: [db] })
export default state.in(join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, 'data'))
`
const kinds: readonly (readonly [file: string, text: string, type: 'module' | 'commonjs'])[] = [
  ['moult.config.ts', typeScript, 'module'],
  ['moult.config.ts', typeScript, 'commonjs'],
  ['moult.config.mts', typeScript, 'commonjs'],
  ['moult.config.js', configOf(twoSteps), 'module'],
  ['moult.config.js', commonJs, 'commonjs'],
  ['moult.config.mjs', configOf(twoSteps), 'commonjs'],
  ['moult.config.cjs', commonJs, 'module'],
]

for (const [file, text, type] of kinds) {
  test(`[A9] a ${file} in a package of type ${type} is found from a folder below and upgrades its state`, async (t) => {
    const project = new CliProject({ [file]: text, 'package.json': JSON.stringify({ type }), 'deep/er/file': '' })
    t.after(() => project.remove())
    const { code, stdout, stderr } = await project.run(['upgrade'], { cwd: join(project.path, 'deep/er') })
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(stdout, /: upgraded\ndb\/create +done .*\ndb\/double +done .* 2 rows changed\n$/)
    assert.ok(!readdirSync(join(project.path, 'node_modules')).includes('.cache'), 'jiti keeps no cache')
  })
}

test('[A9] a TypeScript config knows the path aliases of its tsconfig, and shares its packages with the command', async (t) => {
  const project = new CliProject({
    'package.json': '{"type":"module"}',
    'tsconfig.json': '{ "compilerOptions": { "baseUrl": ".", "paths": { "@app/*": ["./src/*"] } } }',
    'moult.config.ts':
      "import { sqlite } from 'moult'\nimport { state, sqlite as other } from '@app/state.js'\nif (sqlite !== other) throw new Error('two copies of moult')\nexport default state.in(process.cwd() + '/data')",
    'src/state.ts': `import { defineState, sqlite } from 'moult'\nimport './plain.js'\nexport { sqlite }\nexport const state = defineState({ app: 'agent' as string, stores: [sqlite('db', { path: 'db.sqlite' })${twoSteps}] })`,
    'src/plain.js': "import { sqlite } from 'moult'\nglobalThis.plain = sqlite",
  })
  t.after(() => project.remove())
  const { code, stderr } = await project.run(['upgrade'])
  assert.deepEqual([code, stderr], [0, ''])
})

test('[A9] TypeScript that the compiler made CommonJS of is a config as well', async (t) => {
  const project = new CliProject({
    'moult.config.cjs': `Object.defineProperty(exports, '__esModule', { value: true })
const { defineState, sqlite } = require('moult')
exports.default = defineState({ app: 'agent', stores: [sqlite('db', { path: 'db.sqlite' })${twoSteps}] }).in(__dirname + '/data')`,
  })
  t.after(() => project.remove())
  assert.equal((await project.run(['status'])).code, 0)
})

test('[A9] a config may be a function of the data directory, and --data-dir decides either way', async (t) => {
  const project = new CliProject({
    'moult.config.mjs': `import { defineState, sqlite } from 'moult'
export default async (dataDir) => { console.log('given', dataDir); return defineState({ app: 'agent', stores: [sqlite('db', { path: 'db.sqlite' })] }).in('/nowhere') }`,
    'elsewhere/file': '',
  })
  t.after(() => project.remove())
  const { code, stdout } = await project.run(['status', '--data-dir', 'elsewhere'])
  assert.equal(code, 0)
  assert.match(stdout, new RegExp(`^given ${project.path}/elsewhere\n${project.path}/elsewhere\n`))
})

test('[A9] CONFIG_NOT_FOUND: no config, here and further up, or not where --config says, ends with 2', async (t) => {
  const project = new CliProject()
  t.after(() => project.remove())
  for (const args of [['status'], ['status', '--config', 'no.ts']]) {
    const { code, stderr, stdout } = await project.run(args)
    assert.deepEqual([code, stdout], [2, ''])
    assert.match(stderr, /^error CONFIG_NOT_FOUND: /)
  }
})

const broken: readonly (readonly [what: string, file: string, text: string, says: RegExp])[] = [
  ['does not parse', 'moult.config.mjs', '\nexport default {', /used: line 2: \w/],
  ['does not parse', 'moult.config.ts', '\nexport default {', /used: line 2: \w/],
  ['imports what does not parse', 'moult.config.mjs', "import './data.mjs'", /used: in a file that it imports: \w/],
  ['throws', 'moult.config.mjs', "throw new Error('no key in the vault')", /used: line 1: no key in the vault/],
  ['throws', 'moult.config.ts', "throw new Error('no key in the vault')", /used: line 1: no key in the vault/],
  [
    'throws when called',
    'moult.config.cjs',
    "module.exports = () => { throw new Error('no key in the vault') }",
    /no key in the vault/,
  ],
  ['exports no state', 'moult.config.mjs', 'export default { app: 1 }', /its default export is no state/],
  ['exports nothing', 'moult.config.mjs', 'export const state = 1', /its default export is no state/],
  [
    'defines what cannot be meant',
    'moult.config.mjs',
    "import { sqlite } from 'moult'\nsqlite('db', { path: '../db' })",
    /sqlite\('db'\)/,
  ],
]
for (const [what, file, text, says] of broken) {
  test(`[A9] CONFIG_UNREADABLE: a ${file} that ${what} is named, with the cause, and ends with 2`, async (t) => {
    const project = new CliProject({ [file]: text, 'data.mjs': 'export {' })
    t.after(() => project.remove())
    const { code, stderr, stdout } = await project.run(['upgrade'])
    assert.deepEqual([code, stdout], [2, ''])
    assert.ok(
      stderr.startsWith(`error CONFIG_UNREADABLE: The config ${join(project.path, file)} cannot be used: `),
      stderr,
    )
    assert.match(stderr, says)
    assert.match(stderr, /\nhint: ./)
  })
}

test('[A9] two configs beside each other are refused, not guessed between', async (t) => {
  const project = new CliProject({ 'moult.config.mjs': configOf(twoSteps), 'moult.config.ts': configOf(twoSteps) })
  t.after(() => project.remove())
  const { code, stderr } = await project.run(['status'])
  assert.equal(code, 2)
  assert.match(stderr, /CONFIG_UNREADABLE: .*several.*moult\.config\.ts.*moult\.config\.mjs/)
  assert.equal((await project.run(['status', '--config', 'moult.config.ts'])).code, 0)
})

test('[A9] DATA_DIR_MISSING: a mistyped --data-dir ends with 2 and is not made', async (t) => {
  const project = new CliProject({ 'moult.config.mjs': configOf(twoSteps) })
  t.after(() => project.remove())
  for (const name of ['dta', 'moult.config.mjs', '']) {
    const { code, stderr } = await project.run(['upgrade', '--data-dir', name])
    assert.equal(code, 2, name)
    assert.match(stderr, /^error DATA_DIR_MISSING: /)
  }
  assert.ok(!readdirSync(project.path).includes('dta'))
})

test('[A9] a state without a root, and no --data-dir, is a usage error', async (t) => {
  const project = new CliProject({
    'moult.config.mjs': "import { defineState } from 'moult'\nexport default defineState({ app: 'agent', stores: [] })",
  })
  t.after(() => project.remove())
  const { code, stderr } = await project.run(['status'])
  assert.equal(code, 2)
  assert.match(stderr, /^error USAGE: .*\nhint: .*--data-dir DIR/)
  assert.equal((await project.run(['status', '--data-dir', 'data'])).code, 0)
})

test("[A9] the project's own copy of moult does the work, with commands that the one called does not know", async (t) => {
  const project = new CliProject({ 'moult.config.mjs': 'never loaded by the copy that was called' })
  t.after(() => project.remove())
  rmSync(join(project.path, 'node_modules/moult'))
  project.write(
    'node_modules/moult/package.json',
    JSON.stringify({ name: 'moult', version: '9.0.0', type: 'module', exports: { './cli': './cli.js' } }),
  )
  project.write(
    'node_modules/moult/cli.js',
    'export async function main(args, { stdout, isHandedOver }) { stdout.write(JSON.stringify([args, isHandedOver])); return 3 }',
  )
  const { code, stdout } = await project.run(['moonwalk', '--fast'])
  assert.equal(code, 3)
  assert.deepEqual(JSON.parse(stdout), [['moonwalk', '--fast'], true])
})

test('[A9] a second real copy of moult takes over once and upgrades', async (t) => {
  const project = new CliProject({ 'moult.config.mjs': configOf(twoSteps), 'package.json': '{"type":"module"}' })
  t.after(() => project.remove())
  const copy = join(project.path, 'node_modules/moult')
  rmSync(copy)
  mkdirSync(copy)
  cpSync(join(checkout, 'dist'), join(copy, 'dist'), { recursive: true })
  cpSync(join(checkout, 'package.json'), join(copy, 'package.json'))
  for (const name of ['commander', 'jiti', 'picomatch', 'better-sqlite3'])
    symlinkSync(join(checkout, 'node_modules', name), join(project.path, 'node_modules', name))
  cpSync(join(checkout, 'dist/cli/index.js'), join(copy, 'dist/cli/was.js'))
  project.write(
    'node_modules/moult/dist/cli/index.js',
    `import * as was from './was.js'\nexport const main = (args, call) => (call.stderr.write('the copy\\n'), was.main(args, call))\n`,
  )
  const { code, stdout, stderr } = await project.run(['upgrade'])
  assert.deepEqual([code, stderr], [0, 'the copy\n'])
  assert.match(stdout, /: upgraded\n/)
})
