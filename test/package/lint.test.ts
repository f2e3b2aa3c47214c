import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { checkout } from '../support/checkout.js'

const longFile = 'export {}\n'.repeat(401)

/** A file, what stands in it, and the rule that must refuse it; no rule means that lint must accept it. */
const planted: readonly (readonly [path: string, text: string, rule?: string])[] = [
  // model imports nothing
  ['src/model/from-disk.ts', `export * from '../disk/good.js'`, 'moult(layers)'],
  [
    'src/model/from-disk-type.ts',
    `import type { good } from '../disk/good.js'\nexport type G = typeof good`,
    'moult(layers)',
  ],
  ['src/model/from-disk-inline.ts', `export type G = typeof import('../disk/good.js').good`, 'moult(layers)'],
  ['src/model/from-disk-later.ts', `export const load = () => import('../disk/good.js')`, 'moult(layers)'],
  ['src/model/from-node.ts', `export { join } from 'node:path'`, 'moult(layers)'],
  ['src/model/from-library.ts', `export { default as p } from 'picomatch'`, 'moult(layers)'],
  ['src/model/from-root.ts', `export * from '../index.js'`, 'moult(layers)'],
  ['src/model/from-self.ts', `export * from 'moult'`, 'moult(layers)'],
  ['src/model/from-outside.ts', `export * from '../../scripts/root.js'`, 'moult(layers)'],
  ['src/model/good.ts', `export const good = 1`],
  ['src/model/beside.ts', `export * from './good.js'`],
  // json imports model only
  ['src/json/from-disk.ts', `export * from '../disk/good.js'`, 'moult(layers)'],
  ['src/json/from-node.ts', `export { Buffer } from 'node:buffer'`, 'moult(layers)'],
  ['src/json/good.ts', `export { good } from '../model/good.js'`],
  // disk imports model, and is the only user of node:fs
  ['src/disk/good.ts', `export { existsSync as good } from 'node:fs'`],
  ['src/disk/from-drivers.ts', `export * from '../drivers/good.js'`, 'moult(layers)'],
  ['src/drivers/with-fs.ts', `export { existsSync } from 'node:fs'`, 'moult(layers)'],
  ['src/engine/with-fs.ts', `export { readFile } from 'node:fs/promises'`, 'moult(layers)'],
  ['src/engine/with-bare-fs.ts', `export { existsSync } from 'fs'`, 'moult(layers)'],
  ['src/with-fs.ts', `export const load = () => import('node:fs')`, 'moult(layers)'],
  ['src/stores/sqlite/with-hidden-fs.ts', `export const fs = process.getBuiltinModule('node:fs')`, 'moult(layers)'],
  // SQLite libraries are loaded by drivers only
  ['src/drivers/good.ts', `export const load = () => process.getBuiltinModule('node:sqlite')`],
  ['src/disk/with-sqlite.ts', `export const load = () => process.getBuiltinModule('node:sqlite')`, 'moult(layers)'],
  ['src/stores/sqlite/with-driver.ts', `export const load = () => import('better-sqlite3')`, 'moult(layers)'],
  // stores never import a sibling, the engine or backup
  ['src/stores/sqlite/from-sibling.ts', `export * from '../directory/good.js'`, 'moult(layers)'],
  ['src/stores/directory/good.ts', `export { good } from '../../disk/good.js'`],
  ['src/stores/directory/from-engine.ts', `export * from '../../engine/good.js'`, 'moult(layers)'],
  ['src/stores/records/from-backup.ts', `export * from '../../backup/good.js'`, 'moult(layers)'],
  // engine and backup never import a concrete store
  ['src/engine/good.ts', `export { good } from '../model/good.js'`],
  ['src/engine/from-store.ts', `export * from '../stores/directory/good.js'`, 'moult(layers)'],
  ['src/backup/good.ts', `export { good } from '../model/good.js'`],
  ['src/backup/from-store.ts', `export * from '../stores/directory/good.js'`, 'moult(layers)'],
  // cli imports the public API only; nobody imports cli
  ['src/index.ts', `export { good } from './model/good.js'`],
  [
    'src/cli/good.ts',
    `export * from '../index.js'\nexport const load = () => import('node:fs')\nconsole.log(process.env)`,
  ],
  ['src/cli/from-engine.ts', `export * from '../engine/good.js'`, 'moult(layers)'],
  ['src/cli/from-root.ts', `export * from '../state.js'`, 'moult(layers)'],
  ['src/state.ts', `export * from './cli/good.js'`, 'moult(layers)'],
  // every folder of src has a place
  ['src/elsewhere/thing.ts', `export { good } from '../model/good.js'`, 'moult(layers)'],
  // no cycles
  ['src/engine/one.ts', `import { two } from './two.js'\nexport const one = () => two`, 'import(no-cycle)'],
  ['src/engine/two.ts', `import { one } from './one.js'\nexport const two = () => one`, 'import(no-cycle)'],
  // the library never prints, exits or reads the environment
  ['src/engine/prints.ts', `console.log('hello')`, 'eslint(no-console)'],
  ['src/engine/writes.ts', `process.stdout.write('hello')`, 'eslint(no-restricted-properties)'],
  ['src/engine/exits.ts', `process.exit(1)`, 'unicorn(no-process-exit)'],
  ['src/engine/exits-later.ts', `process.exitCode = 1`, 'eslint(no-restricted-properties)'],
  ['src/engine/environment.ts', `export const home = () => process.env['HOME']`, 'node(no-process-env)'],
  ['src/engine/environment-import.ts', `export { env } from 'node:process'`, 'moult(layers)'],
  ['src/drivers/environment.ts', `export const home = () => process.env['HOME']`, 'node(no-process-env)'],
  // how files look
  ['src/engine/default-export.ts', `export default 1`, 'import(no-default-export)'],
  ['src/engine/camelCase.ts', `export {}`, 'unicorn(filename-case)'],
  ['src/engine/utils.ts', `export {}`, 'moult(file-name)'],
  ['src/engine/long.ts', longFile, 'eslint(max-lines)'],
  ['src/engine/waits.ts', `export const one = await Promise.resolve(1)`, 'moult(top-level-await)'],
  ['src/engine/any.ts', `export const one: any = 1`, 'typescript(no-explicit-any)'],
  // promises
  ['src/engine/floating.ts', `export function go() {\n  Promise.resolve(1)\n}`, 'typescript(no-floating-promises)'],
  [
    'src/engine/misused.ts',
    `export const go = (n: number[]) => n.forEach(async () => {})`,
    'typescript(no-misused-promises)',
  ],
  ['src/engine/thenable.ts', `export const go = async () => await 1`, 'typescript(await-thenable)'],
  ['test/floating.ts', `export function go() {\n  Promise.resolve(1)\n}`, 'typescript(no-floating-promises)'],
  ['test/good.ts', `import { test } from 'node:test'\ntest('a test need not be awaited', () => {})`],
]

const project = mkdtempSync(join(tmpdir(), 'moult-lint-'))
let found: Map<string, Set<string>>

before(() => {
  for (const name of [
    '.oxlintrc.json',
    'tsconfig.base.json',
    'tsconfig.test.json',
    'src/tsconfig.json',
    'package.json',
  ])
    cpSync(join(checkout, name), join(project, name))
  cpSync(join(checkout, 'scripts/lint'), join(project, 'scripts/lint'), { recursive: true })
  symlinkSync(join(checkout, 'node_modules'), join(project, 'node_modules'))
  for (const [path, text] of planted) {
    mkdirSync(dirname(join(project, path)), { recursive: true })
    writeFileSync(join(project, path), text.endsWith('\n') ? text : `${text}\n`)
  }
  const oxlint = join(checkout, 'node_modules/oxlint/bin/oxlint')
  const args = [oxlint, '--format', 'json', 'src', 'test']
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: project, encoding: 'utf8', maxBuffer: 1 << 26 })
  assert.ok(stdout.startsWith('{'), `oxlint says: ${stdout}${stderr}`)
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: { code: string; filename: string }[] }
  found = new Map()
  for (const { code, filename } of diagnostics) {
    const rules = found.get(filename) ?? new Set()
    found.set(filename, rules.add(code))
  }
})

after(() => rmSync(project, { recursive: true, force: true }))

for (const [path, text, rule] of planted) {
  const line = text === longFile ? '401 lines' : text.split('\n')[0]
  test(`[D10] lint ${rule === undefined ? 'accepts' : 'refuses'} \`${line}\` in ${path}`, () => {
    const rules = [...(found.get(path) ?? [])]
    if (rule === undefined) assert.deepEqual(rules, [])
    else assert.ok(rules.includes(rule), `${rule} did not fire; these did: ${rules.join(', ') || 'none'}`)
  })
}
