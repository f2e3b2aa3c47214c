import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { defineState, directory, isMoultError, sqlite, stepsFrom } from 'moult'
import type { LoadedSteps } from 'moult'
import { checkout } from '../support/checkout.js'
import { CliProject } from './cli-project.js'

type Files = Readonly<Record<string, string>>

function makeFolder(t: TestContext, files: Files): URL {
  const path = mkdtempSync(join(tmpdir(), 'moult-steps-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(path, name, '..'), { recursive: true })
    writeFileSync(join(path, name), text)
  }
  return pathToFileURL(`${path}/`)
}

function optionsOf(steps: LoadedSteps): Record<string, any> {
  return Object.fromEntries(
    (steps as any).steps.map((step: { name: string; options: object }) => [step.name, step.options]),
  )
}

async function upgradeWith(t: TestContext, steps: LoadedSteps) {
  const root = mkdtempSync(join(tmpdir(), 'moult-steps-root-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  return upgradeIn(root, steps)
}

async function upgradeIn(root: string, steps: LoadedSteps) {
  const db = sqlite('db', { path: 'db.sqlite' }).steps(steps)
  const state = defineState({ app: 'agent', stores: [db] }).in(root)
  return { root, report: await state.upgrade() }
}

test('[A10] files of all kinds are steps, in the order of their numbers, and run', async (t) => {
  const folder = makeFolder(t, {
    '10000_last.sql': 'INSERT INTO t VALUES (6)',
    '9999_esm.mjs': "export const up = ({ db }) => { db.exec('INSERT INTO t VALUES (5)') }",
    '9998_common.cjs': "module.exports = { up({ db }) { db.exec('INSERT INTO t VALUES (4)') }, additive: true }",
    '9997_typed.ts':
      "enum N { three = 3 }\nexport default { up: ({ db }: { db: any }): void => { db.run('INSERT INTO t VALUES (?)', N.three) } }",
    '9996_detected.js':
      "export const up = ({ db }) => { db.exec('INSERT INTO t VALUES (2)') }\nexport const validate = ({ db }) => db.number('SELECT sum(x) FROM t') === 3 || 'sum'",
    '9995_create.sql': '\uFEFFCREATE TABLE t(x);\r\nINSERT INTO t VALUES (1);\r\n',
    '9995_create.down.sql': 'DROP TABLE t',
    '9997_typed.d.ts': '',
    '9997_typed.js.map': '',
    '.DS_Store': '',
    'logs/0001_other.sql': 'SELECT 1',
  })
  const steps = stepsFrom(folder)
  assert.deepEqual(steps.names, ['9995_create', '9996_detected', '9997_typed', '9998_common', '9999_esm', '10000_last'])
  assert.equal(optionsOf(steps)['9995_create'].down, 'DROP TABLE t')
  const { report } = await upgradeWith(t, steps)
  assert.equal(report.outcome, 'upgraded')
  assert.equal(report.stores[0]?.version, 6)
})

test('[A10] a step that fails is found by file and line, whatever it is written in', async (t) => {
  const hint = async (name: string, text: string): Promise<string> => {
    const folder = makeFolder(t, { [name]: text })
    const error = await upgradeWith(t, stepsFrom(folder)).catch((thrown: unknown) => thrown)
    assert.ok(isMoultError(error, 'STEP_FAILED'), String(error))
    return error.hint.replace(fileURLToPath(folder), '')
  }
  const typed = 'interface Wide {\n  a: 1\n}\nexport const up = ({ db }: { db: any }): void => {\n'
  assert.match(await hint('0001_a.ts', `${typed}  db.exec('SELEKT 1')\n}`), /Mend the step \(0001_a\.ts:5\)/)
  assert.match(await hint('0001_b.mjs', '\nexport async function up() {\n  await 1\n  null.x\n}'), /\(0001_b\.mjs:4\)/)
  assert.match(await hint('0001_c.cjs', 'exports.up = () => {\n  throw Error()\n}'), /\(0001_c\.cjs:2\)/)
  assert.match(await hint('0001_d.sql', 'SELEKT 1'), /^Mend the step and start again\.$/)
})

test('[K5] a step file keeps its checksum through CRLF, a byte order mark and from .ts to a build with its source in the map', async (t) => {
  const source = "export const up = ({ db }: { db: any }): void => {\n  db.exec('CREATE TABLE t(x)')\n}\n"
  const compiled =
    "export const up = ({ db }) => { db.exec('CREATE TABLE t(x)') }\n//# sourceMappingURL=0001_create.js.map\n"
  const map = JSON.stringify({ version: 3, sources: ['../src/0001_create.ts'], sourcesContent: [source], mappings: '' })
  const { root } = await upgradeWith(t, stepsFrom(makeFolder(t, { '0001_create.ts': source })))
  const same: Files[] = [
    { '0001_create.ts': `\uFEFF${source.replaceAll('\n', '\r\n')}` },
    { '0001_create.js': compiled, '0001_create.js.map': map },
    {
      '0001_create.js': compiled.replace(
        /=0001_create\.js\.map/,
        `=data:application/json;base64,${Buffer.from(map).toString('base64')}`,
      ),
    },
    { '0001_create.js': compiled },
    { '0001_create.js': compiled.replace(/\/\/.*/, ''), '0001_create.d.ts': '' },
  ]
  const unchecked: unknown[] = []
  for (const files of same) {
    const { report } = await upgradeIn(root, stepsFrom(makeFolder(t, files)))
    assert.equal(report.outcome, 'up-to-date')
    unchecked.push(report.stores[0]?.unchecked)
  }
  // What a compiler made is never compared: without its source the name alone counts, and status says so
  assert.deepEqual(unchecked, [[], [], [], ['db/0001_create'], ['db/0001_create']])
  await assert.rejects(upgradeIn(root, stepsFrom(makeFolder(t, { '0001_create.ts': source.replace('(x)', '(y)') }))), {
    code: 'STORE_EDITED',
  })
})

const misnamed: readonly (readonly [why: string, files: Files, says: RegExp])[] = [
  [
    'a number twice',
    { '0001_a.sql': 'SELECT 1', '0001_b.sql': 'SELECT 1' },
    /the number 1 stands twice: .*0001_[ab]\.sql, .*0001_[ab]\.sql/,
  ],
  ['a step beside its build', { '0001_a.ts': '', '0001_a.js': '' }, /stands twice/],
  [
    'a number missing',
    { '0001_a.sql': 'SELECT 1', '0003_c.sql': 'SELECT 1' },
    /between 0001_a and 0003_c the number 2 is missing/,
  ],
  ['the number 0', { '0000_a.sql': 'SELECT 1' }, /counted from 1/],
  ['an unknown ending', { '0001_a.sql': 'SELECT 1', '0002_b.txt': '' }, /'0002_b\.txt' is no step/],
  ['no ending', { '0001_a': 'SELECT 1' }, /ends with/],
  ['a file without a number', { '0001_a.sql': 'SELECT 1', 'README.md': '' }, /'README\.md' is no step/],
  ['a test among the steps', { '0001_a.sql': 'SELECT 1', '0001_a.test.ts': '' }, /'0001_a\.test\.ts' is no step/],
  ['too few digits', { '1_a.sql': 'SELECT 1' }, /0001_short_description/],
  ['no step at all', { '.keep': '' }, /there is no step in it/],
  ['a way back without its step', { '0001_a.sql': 'SELECT 1', '0002_b.down.sql': 'SELECT 1' }, /belongs to no step/],
  ['a way back that is no SQL', { '0001_a.sql': 'SELECT 1', '0001_a.down.ts': '' }, /the way back is SQL/],
  [
    'two ways back',
    { '0001_a.cjs': 'module.exports = { up() {}, down() {} }', '0001_a.down.sql': 'SELECT 1' },
    /has 'down' itself/,
  ],
  ['a module without up', { '0001_a.cjs': 'module.exports = { down() {} }' }, /exports no 'up'/],
  [
    'a step twice in a module',
    { '0001_a.mjs': 'export default { up() {} }\nexport const up = () => {}' },
    /both in its default export and in named ones/,
  ],
]
for (const [why, files, says] of misnamed) {
  test(`[A10] ${why} is a TypeError that names it`, (t) => {
    assert.throws(
      () => stepsFrom(makeFolder(t, files)),
      (error: Error) => error instanceof TypeError && says.test(error.message) && !/undefined/.test(error.message),
    )
  })
}

const unusable: readonly (readonly [why: string, files: Files, says: RegExp])[] = [
  [
    'COMMIT in SQL',
    { '0001_a.sql': '-- first\nCREATE TABLE t(x);\nCOMMIT;' },
    /0001_a\.sql cannot be used: COMMIT \(line 3 of the SQL\)/,
  ],
  [
    'PRAGMA journal_mode in SQL',
    { '0001_a.sql': '\uFEFFPRAGMA journal_mode = WAL' },
    /PRAGMA journal_mode \(line 1 of the SQL\)/,
  ],
  [
    'ROLLBACK in a way back',
    { '0001_a.sql': 'SELECT 1', '0001_a.down.sql': 'SELECT 1;\nROLLBACK' },
    /0001_a\.down\.sql cannot be used: ROLLBACK \(line 2/,
  ],
  [
    'VACUUM in the SQL of a module',
    { '0001_a.cjs': "module.exports = { up: 'VACUUM' }" },
    /0001_a\.cjs cannot be used: VACUUM/,
  ],
  ['a string without an end', { '0001_a.sql': "SELECT 1;\nSELECT 'a" }, /0001_a\.sql cannot be used: .*line 2/],
  ['SQL without a statement', { '0001_a.sql': '-- to do\n;' }, /there is no statement in it/],
  [
    'a module that throws',
    { '0001_a.mjs': "throw new Error('no such luck')" },
    /0001_a\.mjs cannot be loaded: no such luck/,
  ],
  ['a module that does not parse', { '0001_a.ts': 'export const up = (' }, /0001_a\.ts cannot be loaded: /],
  ['top-level await', { '0001_a.mjs': 'await 1\nexport const up = () => {}' }, /0001_a\.mjs cannot be loaded: /],
]
for (const [why, files, says] of unusable) {
  test(`[P15] CONFIG_UNREADABLE: ${why} is refused when it is loaded, with the file`, (t) => {
    const folder = makeFolder(t, files)
    assert.throws(
      () => stepsFrom(folder),
      (error: unknown) => isMoultError(error, 'CONFIG_UNREADABLE') && says.test(error.message) && error.hint !== '',
    )
  })
}

test('[P15] text of SQL that only speaks of COMMIT is no COMMIT', (t) => {
  const sql =
    '-- COMMIT\nCREATE TABLE "commit"(x); INSERT INTO "commit" VALUES (\'; COMMIT;\'); CREATE TRIGGER a AFTER INSERT ON "commit" BEGIN SELECT 1; END;'
  assert.equal(optionsOf(stepsFrom(makeFolder(t, { '0001_a.sql': sql })))['0001_a'].up, sql)
})

test('[A10] CONFIG_UNREADABLE: a folder that is not there, and bytes that are no text', (t) => {
  const folder = makeFolder(t, { '0001_a.sql': 'SELECT 1' })
  assert.throws(
    () => stepsFrom(new URL('nowhere/', folder)),
    (error) => isMoultError(error, 'CONFIG_UNREADABLE') && /pass the modules/.test(error.hint),
  )
  writeFileSync(new URL('0002_b.sql', folder), Buffer.from([0x53, 0xff, 0xfe]))
  assert.throws(() => stepsFrom(folder), { code: 'CONFIG_UNREADABLE' })
})

test('[A10] links to step files are followed, as package managers make them', (t) => {
  const folder = makeFolder(t, { 'store/0001_a.sql': 'SELECT 1' })
  symlinkSync('store/0001_a.sql', new URL('0001_a.sql', folder))
  assert.deepEqual(stepsFrom(folder).names, ['0001_a'])
})

test('[A10] what is neither a folder nor modules is a TypeError', () => {
  for (const wrong of ['./steps', null, undefined, [], 5, new URL('https://example.org/steps/')]) {
    assert.throws(() => stepsFrom(wrong as never), TypeError)
  }
})

test('[A10] modules of a bundle are steps, by the last part of their keys, in the order of their numbers', async (t) => {
  const steps = stepsFrom({
    './steps/0002_fill.ts': { up: ({ db }: { db: any }) => void db.exec('INSERT INTO t VALUES (1)'), __esModule: true },
    'C:\\steps\\0001_create.sql': 'CREATE TABLE t(x)',
    './steps/0001_create.down.sql': { default: 'DROP TABLE t' },
    '0003_more': { default: { up: 'INSERT INTO t VALUES (2)' } },
  })
  assert.deepEqual(steps.names, ['0001_create', '0002_fill', '0003_more'])
  assert.equal(optionsOf(steps)['0001_create'].down, 'DROP TABLE t')
  assert.equal((await upgradeWith(t, steps)).report.outcome, 'upgraded')
})

test('[A10] modules that are promises, functions or misnamed are TypeErrors, and their SQL is looked at', () => {
  for (const wrong of [
    { '0001_a': Promise.resolve({}) },
    { '0001_a': () => import('moult') },
    { create: 'SELECT 1' },
    {},
    { '0001_a': 1 },
  ]) {
    assert.throws(() => stepsFrom(wrong), TypeError)
  }
  assert.throws(
    () => stepsFrom({ './steps/0001_a.sql': 'END' }),
    (error) => isMoultError(error, 'CONFIG_UNREADABLE') && error.message.includes('./steps/0001_a.sql'),
  )
})

test('[A10] a store refuses loaded steps that are not for its kind, and options it does not know', () => {
  assert.throws(() => directory('d', { path: 'd' }).steps(stepsFrom({ '0001_a': 'SELECT 1' })), TypeError)
  assert.throws(
    () => sqlite('s', { path: 's' }).steps(stepsFrom({ '0001_a': { up() {}, validat() {} } })),
    /0001_a.*unknown option 'validat'/,
  )
})

test('[A10] a TypeScript step shares its packages, moult among them, with the app that loads it', async (t) => {
  const project = new CliProject({
    'steps/0001_a.ts':
      "import { sqlite } from 'moult'\nimport { shared } from 'shared'\nenum Old { syntax }\nglobalThis.seen = [sqlite, shared, Old.syntax]\nexport const up: string = 'SELECT 1'",
    'node_modules/shared/package.json': '{"name":"shared","type":"module","exports":"./index.js"}',
    'node_modules/shared/index.js': 'export const shared = {}',
    'main.mjs': `import { sqlite, stepsFrom } from 'moult'
import { shared } from 'shared'
stepsFrom(new URL('./steps/', import.meta.url))
console.log(globalThis.seen[0] === sqlite, globalThis.seen[1] === shared)`,
  })
  t.after(() => project.remove())
  assert.deepEqual(await project.start([join(project.path, 'main.mjs')]).ended, {
    code: 0,
    stdout: 'true true\n',
    stderr: '',
  })
})

for (const type of ['module', 'commonjs'] as const) {
  test(`[A10] a config in a package of type ${type} loads a folder of TypeScript and SQL for the command`, async (t) => {
    const project = new CliProject({
      'package.json': JSON.stringify({ type }),
      'moult.config.ts': `import { defineState, sqlite, stepsFrom } from 'moult'
const db = sqlite('db', { path: 'db.sqlite' }).steps(stepsFrom(new URL('./steps/', import.meta.url)))
export default defineState({ app: 'agent', stores: [db] })`,
      'steps/0001_create.sql': 'CREATE TABLE t(x)',
      'steps/0002_fill.ts':
        "import { rows } from '../rows.js'\nimport type { DbWriter } from 'moult'\nexport const up = ({ db }: { db: DbWriter }): void => { for (const row of rows) db.run('INSERT INTO t VALUES (?)', row) }",
      'rows.ts': 'export const rows: readonly number[] = [1, 2]',
    })
    t.after(() => project.remove())
    const { code, stdout, stderr } = await project.run(['upgrade', '--data-dir', 'data'])
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(stdout, /db\/0001_create +done.*\ndb\/0002_fill +done .* 2 rows changed\n/)
    project.write('steps/0003_bad.sql', 'SELECT 1;\nCOMMIT;')
    const bad = await project.run(['status', '--data-dir', 'data'])
    assert.equal(bad.code, 2)
    assert.match(bad.stderr, /^error CONFIG_UNREADABLE: .*0003_bad\.sql cannot be used: COMMIT \(line 2/)
  })
}

test("[G9] `import 'moult'` loads nothing of the command line, and no jiti", () => {
  const seen = new Set<string>()
  const outside = new Set<string>()
  const visit = (path: string): void => {
    if (seen.has(path)) return
    seen.add(path)
    for (const [, from = ''] of readFileSync(path, 'utf8').matchAll(
      /^(?:import|export)\s[^;]*?from '([^']+)'|^import '([^']+)'/gm,
    )) {
      if (from.startsWith('.')) visit(join(path, '..', from))
      else outside.add(from)
    }
  }
  visit(join(checkout, 'build/src/index.js'))
  assert.ok(seen.has(join(checkout, 'build/src/steps-from.js')))
  assert.deepEqual(
    [...seen].filter((path) => path.includes('/cli/')),
    [],
  )
  assert.deepEqual(
    [...outside].filter((name) => !name.startsWith('node:') && name !== 'picomatch'),
    [],
  )
})
