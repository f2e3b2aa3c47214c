import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { pathToFileURL } from 'node:url'
import { rollup } from '@rollup/wasm-node'
import fc from 'fast-check'
import { defineState, directory, sqlite, stepsFrom } from 'moult'
import type { LoadedSteps, Store, StoreReport } from 'moult'
import { digestSource } from '#moult/disk/digest.js'
import { checkout } from '../support/checkout.js'

const sql = '-- tables\nCREATE TABLE t(x);\nINSERT INTO t VALUES (1);\n'
const typed = `// Doubles what is there
interface Row { readonly x: number }
export const up = ({ db }: { db: { run(sql: string): void } }): void => {
  const factor: Row['x'] = 2
  db.run(\`UPDATE t SET x = x * \${factor}\`)
}
`

function makeFolder(t: TestContext, files: Readonly<Record<string, string>>): string {
  const path = mkdtempSync(join(tmpdir(), 'moult-forms-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text)
  return path
}

/** What a folder of sources becomes by the compiler, with the sources themselves nowhere near. */
function compile(t: TestContext, flags: readonly string[], module = 'commonjs'): string {
  const source = makeFolder(t, { '0001_create.sql': sql, '0002_double.ts': typed })
  const out = makeFolder(t, { '0001_create.sql': sql })
  const tsc = join(checkout, 'node_modules/typescript/bin/tsc')
  const args = [
    tsc,
    '--ignoreConfig',
    '--types',
    '',
    '--module',
    module,
    '--target',
    'es2022',
    '--outDir',
    out,
    ...flags,
  ]
  const { status, stdout } = spawnSync(process.execPath, [...args, join(source, '0002_double.ts')], {
    encoding: 'utf8',
  })
  assert.equal(status, 0, stdout)
  return out
}

async function bundle(t: TestContext, compact: boolean): Promise<LoadedSteps> {
  const from = compile(t, [], 'es2022')
  writeFileSync(
    join(from, 'all.js'),
    `import create from './0001_create.sql'\nimport * as double from './0002_double.js'\nexport const modules = { './steps/0001_create.sql': create, './steps/0002_double.js': double }`,
  )
  const text = {
    name: 'text',
    transform: (code: string, id: string) =>
      id.endsWith('.sql') ? { code: `export default ${JSON.stringify(code)}`, map: null } : null,
  }
  const built = await rollup({ input: join(from, 'all.js'), plugins: [text] })
  const { output } = await built.generate({ format: 'es', compact })
  await built.close()
  const path = join(makeFolder(t, {}), 'app.mjs')
  writeFileSync(path, output[0].code)
  return stepsFrom(((await import(pathToFileURL(path).href)) as { modules: Record<string, unknown> }).modules)
}

function folderOf(path: string): LoadedSteps {
  return stepsFrom(pathToFileURL(`${path}/`))
}

async function reportIn(root: string, steps: LoadedSteps): Promise<StoreReport> {
  const state = defineState({ app: 'agent', stores: [sqlite('db', { path: 'db.sqlite' }).steps(steps)] }).in(root)
  const { stores } = await state.upgrade()
  return stores[0]!
}

test('[A5] [K5] a release in another form never finds its own steps edited, and says which it cannot compare', async (t) => {
  const minified = makeFolder(t, {
    '0001_create.sql': sql,
    '0002_double.mjs': 'const u=({db:d})=>{d.run(`UPDATE t SET x = x * ${2}`)};export{u as up};',
  })
  const crlf = (text: string): string => `\uFEFF${text.replaceAll('\n', '\r\n')}`
  const forms: Readonly<Record<string, LoadedSteps>> = {
    TypeScript: folderOf(makeFolder(t, { '0001_create.sql': sql, '0002_double.ts': typed })),
    'TypeScript, CRLF and BOM': folderOf(
      makeFolder(t, { '0001_create.sql': crlf(sql), '0002_double.ts': crlf(typed) }),
    ),
    'compiled, sources in the map': folderOf(compile(t, ['--sourceMap', '--inlineSources'])),
    'compiled, map inside': folderOf(compile(t, ['--inlineSourceMap', '--inlineSources', '--removeComments'])),
    'compiled, map without sources': folderOf(compile(t, ['--sourceMap'])),
    'compiled, declarations': folderOf(compile(t, ['--declaration'])),
    'compiled, nothing beside it': folderOf(compile(t, ['--removeComments'])),
    minified: folderOf(minified),
    bundled: await bundle(t, false),
    'bundled, compact': await bundle(t, true),
  }
  const compared = Object.keys(forms).slice(0, 4)
  for (const [shipped, first] of Object.entries(forms)) {
    const root = makeFolder(t, {})
    mkdirSync(join(root, 'data'))
    await reportIn(join(root, 'data'), first)
    for (const [next, steps] of Object.entries(forms)) {
      const { status, unchecked } = await reportIn(join(root, 'data'), steps)
      assert.equal(status, 'current', `${shipped}, then ${next}`)
      const expected = compared.includes(shipped) && compared.includes(next) ? [] : ['db/0002_double']
      assert.deepEqual(unchecked, expected, `${shipped}, then ${next}`)
    }
  }
})

test('[A5] [K5] an edit is noticed where the source is known, also in what was compiled from it', async (t) => {
  const root = makeFolder(t, {})
  await reportIn(root, folderOf(compile(t, ['--inlineSourceMap', '--inlineSources'])))
  const edited = { '0001_create.sql': sql, '0002_double.ts': typed.replace('= 2', '= 3') }
  await assert.rejects(reportIn(root, folderOf(makeFolder(t, edited))), { code: 'STORE_EDITED' })
  const editedSql = { '0001_create.sql': sql.replace('(1)', '(2)'), '0002_double.ts': typed }
  await assert.rejects(reportIn(root, folderOf(makeFolder(t, editedSql))), { code: 'STORE_EDITED' })
})

test('[A5] [K5] a step that states its checksum keeps it in every form', async (t) => {
  const stated = (text: string): string => `${text}\nexport const checksum = '1'\n`
  const js = "export const up = ({ db }) => { db.run('UPDATE t SET x = x * 2') }"
  const folder = (name: string, text: string): LoadedSteps =>
    folderOf(makeFolder(t, { '0001_create.sql': sql, [name]: text }))
  const root = makeFolder(t, {})
  await reportIn(root, folder('0002_double.ts', stated(typed)))
  const same = [
    folder('0002_double.mjs', stated(js)),
    folder('0002_double.mjs', `export const up=()=>{},checksum='1';`),
    stepsFrom({ '0001_create.sql': sql, '0002_double': { up: () => undefined, checksum: '1' } }),
  ]
  for (const steps of same) assert.deepEqual((await reportIn(root, steps)).unchecked, [])
  await assert.rejects(reportIn(root, folder('0002_double.mjs', stated(js).replace("'1'", "'2'"))), {
    code: 'STORE_EDITED',
  })
})

test('[K5] whatever a checkout does to newlines and byte order marks, the checksum is the same, and nothing else is', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' })), fc.string({ minLength: 1 }), (parts, more) => {
      const lines = parts.map((line) => line.replaceAll(/[\r\n\uFEFF]/g, ''))
      const text = lines.join('\n')
      for (const form of [lines.join('\r\n'), lines.join('\r'), `\uFEFF${text}`, `\uFEFF${lines.join('\r\n')}`])
        assert.equal(digestSource(form), digestSource(text))
      assert.notEqual(digestSource(`${text}${more}.`), digestSource(text))
    }),
  )
})

test('[A5] with requireChecksums a step that nobody could see edited is refused when it is defined, with what to do', (t) => {
  const notes = directory('notes', { path: 'notes' }).step('bare', { up() {} })
  const db = sqlite('db', { path: 'a.db' })
  const define = (...stores: readonly Store[]): unknown => defineState({ app: 'agent', stores, requireChecksums: true })
  assert.throws(
    () => define(notes, db.step('code', { up() {} }).step('text', { up: 'SELECT 1' })),
    (error: Error) =>
      error instanceof TypeError &&
      /requireChecksums.*: notes\/bare, db\/code\. Give each a `checksum`.*'1'/.test(error.message),
  )
  assert.doesNotThrow(() => define(db.step('text', { up: 'SELECT 1' }).step('code', { up() {}, checksum: '1' })))
  const compiled = folderOf(makeFolder(t, { '0001_a.mjs': 'export const up = () => {}' }))
  assert.throws(() => define(db.steps(compiled)), /db\/0001_a/)
  // Added later, and for a consumer's own stores
  const framework = defineState({ app: 'agent', stores: [db], requireChecksums: true })
  assert.throws(() => framework.add(notes), /notes\/bare/)
  assert.throws(() => defineState({ app: 'a', stores: [], requireChecksums: 'yes' as unknown as boolean }), TypeError)
})
