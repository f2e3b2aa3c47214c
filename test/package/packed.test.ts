import assert from 'node:assert/strict'
import { cpSync, existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { checkout } from '../support/checkout.js'
import { compilers } from './compilers.js'
import { entryPoints, manifest, PackedProject } from './packed-project.js'

const project = new PackedProject(['@types', 'undici-types', 'zod'])
after(() => project.remove())

// An app with a store of each kind. It finds data of its first release, upgrades it, and is up to date when asked again.
const app = `
const V1 = { '~standard': { version: 1, vendor: 'app', validate: (value) => ({ value }) } }
const Session = record('session', { versionKey: 'v', unversioned: 1 })
  .version(1, V1)
  .version(2, V1, { up: (session) => ({ ...session, title: 'untitled' }) })
const sessions = records('sessions', { path: 'sessions', files: '*.json', record: Session })
const notes = directory('notes', { path: 'notes' })
  .step('rename', { up: async ({ files }) => files.move('a.txt', 'b.txt') })
  .adopt('oldest')
const index = sqlite('index', { path: 'index.db' }).step('create', {
  up: ({ db }) => {
    db.exec('CREATE TABLE t(x)')
    db.run('INSERT INTO t VALUES (?)', 42)
  },
})
async function main(root) {
  mkdirSync(root + '/sessions', { recursive: true })
  mkdirSync(root + '/notes')
  writeFileSync(root + '/notes/a.txt', 'note')
  writeFileSync(root + '/sessions/1.json', '{"v":1,"kept":1.0}')
  const state = defineState({ app: 'app', stores: [sessions, notes, index] }).in(root)
  for (const n of [1, 2]) {
    const held = await state.open()
    console.log(held.report.outcome)
    await held.close()
  }
  console.log(existsSync(root + '/notes/b.txt'), readFileSync(root + '/sessions/1.json', 'utf8'))
  const newer = defineState({ app: 'app', stores: [sessions, directory('notes', { path: 'notes' }), index] }).in(root)
  const error = await newer.open().catch((error) => error)
  console.log(isMoultError(error), error.code)
}
main(process.argv[2])
`
const names = 'defineState, directory, isMoultError, record, records, sqlite'
const fsNames = 'existsSync, mkdirSync, readFileSync, writeFileSync'
const printed = ['upgraded', 'up-to-date', 'true {"v":2,"kept":1.0,"title":"untitled"}', 'true STORE_NEWER', '']

test('[D11] an ES module of another project upgrades its state with the packed package', () => {
  const imports = `import { ${names} } from 'moult'\nimport { ${fsNames} } from 'node:fs'\n`
  project.write('app.mjs', imports + app)
  assert.deepEqual(project.run('app.mjs', join(project.path, 'state-esm')).split('\n'), printed)
})

test('[D11] a CommonJS module of another project upgrades its state with the packed package', () => {
  const imports = `const { ${names} } = require('moult')\nconst { ${fsNames} } = require('node:fs')\n`
  project.write('app.cjs', imports + app)
  assert.deepEqual(project.run('app.cjs', join(project.path, 'state-cjs')).split('\n'), printed)
})

for (const name of entryPoints)
  test(`[D11] ${name} can be imported and required, and both get the same module`, () => {
    project.write(
      'both.mjs',
      `import { createRequire } from 'node:module'
import * as imported from '${name}'
const required = createRequire(import.meta.url)('${name}')
console.log(Object.keys(imported).length > 0, Object.keys(imported).every((key) => imported[key] === required[key]))`,
    )
    assert.equal(project.run('both.mjs'), 'true true\n')
  })

test('[D11] what is not exported cannot be imported', () => {
  project.write('deep.mjs', `await import('moult/dist/chunks/errors.js').catch((error) => console.log(error.code))`)
  assert.equal(project.run('deep.mjs'), 'ERR_PACKAGE_PATH_NOT_EXPORTED\n')
})

test('[D11] the package holds what is built, its licence and its pages, and nothing else', () => {
  const names = readdirSync(join(project.path, 'node_modules/moult')).sort()
  const expected = ['LICENSE', 'README.md', 'dist', 'docs', 'package.json'].filter((name) =>
    existsSync(join(checkout, name)),
  )
  assert.deepEqual(names, expected)
  const built = readdirSync(join(project.path, 'node_modules/moult/dist'), { recursive: true, encoding: 'utf8' })
  assert.deepEqual(
    built.filter((name) => name.includes('.') && !/\.(js|d\.ts)$/.test(name)),
    [],
  )
})

for (const [name, path] of Object.entries(manifest.bin ?? {}))
  test(`[D4] the command ${name} runs from the packed package`, () => {
    const bin = join(project.path, 'node_modules/moult', path)
    assert.match(readFileSync(bin, 'utf8'), /^#!\/usr\/bin\/env node\n/)
    assert.match(project.run(bin, '--help'), /upgrade/)
  })

for (const { name, skip, compile } of compilers)
  test(
    `[D3] a project compiles against the packed package with ${name}, its declarations checked too`,
    { skip },
    () => {
      const folder = join(project.path, 'typed')
      cpSync(join(checkout, 'test/types'), folder, { recursive: true, filter: (path) => !path.includes('misuse') })
      project.write('typed/all.ts', entryPoints.map((one, n) => `export * as all${n} from '${one}'\n`).join(''))
      project.write('typed/package.json', '{ "type": "module" }')
      const options = readFileSync(join(checkout, 'test/types/tsconfig.json'), 'utf8')
      project.write('typed/tsconfig.json', options.replace('"skipLibCheck": true', '"skipLibCheck": false'))
      assert.equal(compile(folder), '')
    },
  )
