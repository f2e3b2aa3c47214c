import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { replaceDisk } from '#moult/disk/disk.js'
import type { Disk } from '#moult/disk/disk.js'
import { defineState, directory, record, records, sqlite } from 'moult'
import type { State, Store } from 'moult'
import { z } from 'zod'
import { makeRoot } from '../disk/tree.js'
import { openDatabase } from '../support/sqlite.js'

const repository = fileURLToPath(new URL('../../../', import.meta.url)).replace(/\/$/, '')
const databases = ['index.db', 'queue.db']

function database(name: string): Store {
  return sqlite(name, { path: `${name}.db` })
    .step('create', { up: 'CREATE TABLE message(id INTEGER PRIMARY KEY, body TEXT)' })
    .step('index', { up: 'CREATE INDEX message_body ON message(body)' })
}

function folder(name: string): Store {
  return directory(name, { path: name }).step('first', { up: ({ files }) => files.write('readme.md', '# Notes\n') })
}

function documents(name: string): Store {
  const Version1 = z.object({ id: z.string() })
  const Document = record(name, { versionKey: 'v', unversioned: 1 })
    .version(1, Version1)
    .version(2, Version1, { up: (value) => value })
  return records(name, { path: name, files: '*.json', record: Document })
}

function sixStores(root: string): State {
  const stores = [database('index'), database('queue'), folder('notes'), folder('blobs')]
  return defineState({ app: 'agent', root, stores: [...stores, documents('sessions'), documents('tasks')] })
}

/** A root in which six stores are up to date, and whose databases were last written long ago. */
async function currentRoot(t: TestContext): Promise<string> {
  const root = makeRoot(t)
  await operationsOf(root, async () => (await sixStores(root).open()).close())
  age(root)
  return root
}

/** A database that was written within the last three seconds is looked at twice (protocol 3). */
function age(root: string): void {
  for (const name of databases) utimesSync(join(root, name), 1.6e9, 1.6e9)
}

/** Databases stay open from the first look on (protocol 1), so it is kept where each descriptor leads. */
const opened = new Map<number, string>()

type Operation = readonly [name: string, path: string]

/** What is done on the disk under the root, in order; by a descriptor is by the path it was opened at. */
async function operationsOf(root: string, work: () => Promise<unknown>): Promise<Operation[]> {
  const done: Operation[] = []
  const putBack = replaceDisk((real) => {
    const watch =
      (name: keyof Disk) =>
      (...args: unknown[]) => {
        const target = typeof args[0] === 'number' ? (opened.get(args[0]) ?? 'unknown') : String(args[0])
        done.push([name, target.startsWith(root) ? target.slice(root.length + 1) || '.' : target])
        const result = (real[name] as (...args: unknown[]) => unknown)(...args)
        if (name === 'open') opened.set(result as number, target)
        return result
      }
    return Object.fromEntries(
      (Object.keys(real) as (keyof Disk)[]).map((name) => [name, watch(name)]),
    ) as unknown as Disk
  })
  try {
    await work()
  } finally {
    putBack()
  }
  return done
}

/** How often each operation was done on the paths that match. */
function tally(operations: readonly Operation[], path: RegExp): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const [name, target] of operations) if (path.test(target)) counts[name] = (counts[name] ?? 0) + 1
  return counts
}

function assertAtMost(
  actual: Readonly<Record<string, number>>,
  most: Readonly<Record<string, number>>,
  what: string,
): void {
  for (const [name, count] of Object.entries(actual))
    assert.ok(count <= (most[name] ?? 0), `${what}: ${name} ${count} times, at most ${most[name] ?? 0}`)
}

test('[G9] the status of six up-to-date stores looks for run/ once, reads six markers, and touches nothing else', async (t) => {
  const root = await currentRoot(t)
  const operations = await operationsOf(root, () => sixStores(root).status())

  const isKnown =
    /^(\.|\.moult\/run|(index|queue)\.db(-wal|-journal)?|(notes|blobs|sessions|tasks)(\/\.schema-version)?)$/
  assert.deepEqual(
    operations.filter(([, path]) => !isKnown.test(path)),
    [],
  )
  assertAtMost(tally(operations, /^\.$/), { realpath: 1, stat: 1 }, 'the root')
  assert.deepEqual(tally(operations, /^\.moult\/run$/), { lstat: 1 })
  for (const name of ['index', 'queue']) {
    // Page 1 for its header and as a page, then one for each of the marker's table and moult_commit's, if there is one.
    // Three stamps before the look, three after; whether it is a symlink; what is pinned already.
    const most = { realpath: 2, lstat: 1, stat: 3, open: 1, fstat: 2, read: 4 }
    assertAtMost(tally(operations, new RegExp(`^${name}\\.db$`)), most, `${name}.db`)
    assertAtMost(tally(operations, new RegExp(`^${name}\\.db-`)), { stat: 4 }, `${name}.db-wal and -journal`)
  }
  for (const name of ['notes', 'blobs', 'sessions', 'tasks']) {
    assertAtMost(tally(operations, new RegExp(`^${name}$`)), { realpath: 1, lstat: 1 }, name)
    const marker = { open: 1, fstat: 1, read: 2, close: 1 }
    assertAtMost(tally(operations, new RegExp(`^${name}/`)), marker, `the marker of ${name}`)
  }
})

test('[G9] the status of an up-to-date state costs the same with ten files and rows as with thousands', async (t) => {
  const root = await currentRoot(t)
  await sixStores(root).status()
  const few = await operationsOf(root, () => sixStores(root).status())
  for (let index = 0; index < 500; index++) {
    writeFileSync(join(root, 'notes', `${index}.md`), '# Note\n')
    writeFileSync(join(root, 'sessions', `${index}.json`), '{ "v": 2, "id": "a" }')
  }
  const app = openDatabase(join(root, 'index.db'))
  app.exec('BEGIN')
  for (let index = 0; index < 5000; index++) app.run('INSERT INTO message(body) VALUES (?)', `message ${index}`)
  app.exec('COMMIT')
  app.close()
  age(root)
  assert.deepEqual(await operationsOf(root, () => sixStores(root).status()), few)
})

test('[G9] opening an up-to-date state does what its status does, takes the locks, and nothing else', async (t) => {
  const root = await currentRoot(t)
  await sixStores(root).status()
  const status = await operationsOf(root, () => sixStores(root).status())
  const open = await operationsOf(root, async () => {
    const held = await sixStores(root).open()
    assert.equal(held.report.locked, true)
    await held.close()
  })

  const isLock = /^\.moult\/lock(\/(gate|use)\.db)?$/
  const isRoot = /^\.$/
  const without = (operations: readonly Operation[]) =>
    operations.filter(([, path]) => !isLock.test(path) && !isRoot.test(path))
  assert.deepEqual(without(open), without(status))
  // Is it there; the file before it was locked and after; nothing is made or written.
  assertAtMost(tally(open, /^\.moult\/lock$/), { lstat: 1, stat: 3 }, 'the lock folder')
  for (const file of ['gate', 'use'])
    assertAtMost(tally(open, new RegExp(`^\\.moult/lock/${file}\\.db$`)), { lstat: 5 }, `${file}.db`)
  assertAtMost(tally(open, isRoot), { realpath: 2, stat: 1 }, 'the root')
})

interface Started {
  /** Modules of this repository, and what it needs of others, by their paths in it. */
  readonly modules: readonly string[]
  readonly libraries: readonly string[]
  readonly builtins: readonly string[]
}

/**
 * Runs a script in a process that has loaded nothing else, and tells what it loaded: the modules as they were compiled,
 * or the package as it is published.
 */
function loadedBy(t: TestContext, script: string, of: 'modules' | 'package' = 'modules'): Started {
  const folder = makeRoot(t)
  const log = join(folder, 'modules')
  writeFileSync(log, '')
  writeFileSync(
    join(folder, 'hooks.mjs'),
    `import { appendFileSync } from 'node:fs'
     export async function load(url, context, next) { appendFileSync(${JSON.stringify(log)}, url + '\\n'); return next(url, context) }`,
  )
  writeFileSync(
    join(folder, 'register.mjs'),
    `import { register } from 'node:module'; register('./hooks.mjs', import.meta.url)`,
  )
  const end = `console.log(JSON.stringify({ libraries: process.report.getReport().sharedObjects, builtins: process.moduleLoadList }))`
  const args = [
    '--import',
    pathToFileURL(join(folder, 'register.mjs')).href,
    '--input-type=module',
    '-e',
    `${script};${end}`,
  ]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: of === 'modules' ? join(repository, 'build') : repository,
    encoding: 'utf8',
  })
  assert.equal(status, 0, stderr)
  const { libraries, builtins } = JSON.parse(stdout) as Omit<Started, 'modules'>
  const base = `${pathToFileURL(repository).href}/`
  const modules = readFileSync(log, 'utf8')
    .split('\n')
    .filter((url) => url.startsWith(base))
  return { modules: modules.map((url) => url.slice(base.length)), libraries, builtins }
}

const anything = `{ '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } }`

function childScript(root: string, call: string): string {
  return `
    import { defineState, directory, record, records, sqlite } from 'moult'
    const database = (name) => sqlite(name, { path: name + '.db' })
      .step('create', { up: 'CREATE TABLE message(id INTEGER PRIMARY KEY, body TEXT)' })
      .step('index', { up: 'CREATE INDEX message_body ON message(body)' })
    const folder = (name) => directory(name, { path: name }).step('first', { up() {} })
    const Document = (name) => record(name, { versionKey: 'v', unversioned: 1 }).version(1, ${anything}).version(2, ${anything}, { up: (value) => value })
    const documents = (name) => records(name, { path: name, files: '*.json', record: Document(name) })
    const stores = [database('index'), database('queue'), folder('notes'), folder('blobs'), documents('sessions'), documents('tasks')]
    const state = defineState({ app: 'agent', root: ${JSON.stringify(root)}, stores })
    const report = ${call}
    if (report.stores.some(({ status }) => status !== 'current')) throw new Error(JSON.stringify(report.stores))`
}

/** Parts of moult that change, lock or look into something, and what they bring along. */
const heavy =
  /node_modules|src\/(engine\/(run|open|work|recover|journal|history)|drivers\/(?!commit-record)|disk\/(overlay|commit|staging|walk|glob)|stores\/\w+\/(transaction|begin|run-step|sweep|verify))/
const hasSqliteLibrary = ({ libraries }: Started): boolean => libraries.some((path) => /sqlite/i.test(path))
const hasSqliteBuiltin = ({ builtins }: Started): boolean => builtins.some((name) => /sqlite/i.test(name))

test('[G9] status() of an up-to-date state loads no SQLite, no driver, no lock and nothing that writes', async (t) => {
  const root = await currentRoot(t)
  const status = loadedBy(t, childScript(root, 'await state.status()'))
  assert.deepEqual(
    status.modules.filter((path) => heavy.test(path)),
    [],
  )
  assert.equal(hasSqliteLibrary(status), false)
  assert.equal(hasSqliteBuiltin(status), false)
  // Each costs half a millisecond and more.
  const published = loadedBy(t, childScript(root, 'await state.status()'), 'package')
  assert.ok(published.modules.length <= 2, `${published.modules.join()} were loaded`)

  // What the assertions above look at is there where it should be: opening needs a SQLite library for its locks.
  const open = loadedBy(t, childScript(root, 'await state.open().then((held) => held.report)'))
  assert.ok(hasSqliteLibrary(open) || hasSqliteBuiltin(open))
  assert.ok(open.modules.includes('build/src/drivers/lock.js'))
})

test('[G9] open() of an up-to-date state loads the locks, and nothing that changes a store', async (t) => {
  const root = await currentRoot(t)
  const { modules } = loadedBy(t, childScript(root, 'await state.open().then((held) => held.report)'))
  const changes =
    /src\/(engine\/(run|work|recover|journal|history)|disk\/(overlay|commit|staging|walk|glob)|stores\/\w+\/(transaction|begin|run-step|sweep|verify))\b/
  assert.deepEqual(
    modules.filter((path) => changes.test(path)),
    [],
  )
})

/** Has another process do this to a database, with the library that an app would use; its answer, or SQLite's refusal. */
function inAnotherProcess(path: string, code: string): string {
  const support = pathToFileURL(join(repository, 'build/test/support/sqlite.js')).href
  const script = `
    import { openDatabase } from ${JSON.stringify(support)}
    const db = openDatabase(${JSON.stringify(path)})
    const work = () => { ${code} }
    try { db.exec('PRAGMA busy_timeout = 0'); console.log(work()) }
    catch (error) { console.log(/locked|busy/i.test(error.message) ? 'locked' : error.stack) }
    finally { db.close() }`
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
  })
  assert.equal(status, 0, stderr)
  return stdout.trim()
}

async function lookInEveryWay(state: State): Promise<void> {
  assert.deepEqual(
    (await state.status()).stores.map(({ status }) => status),
    Array(6).fill('current'),
  )
  await state.plan()
  assert.deepEqual((await state.verify()).problems, [])
  await state.status()
}

test('[P1] [G9] an app that has its database open keeps its write lock through status, plan and verify', async (t) => {
  const root = await currentRoot(t)
  const path = join(root, 'index.db')
  const app = openDatabase(path)
  t.after(() => app.close())
  const take = `db.exec('BEGIN IMMEDIATE'); return 'taken'`
  assert.equal(inAnotherProcess(path, take), 'taken')
  app.exec('BEGIN IMMEDIATE')
  app.run('INSERT INTO message(body) VALUES (?)', 'in the transaction')
  await lookInEveryWay(sixStores(root))
  assert.equal(inAnotherProcess(path, take), 'locked')
  app.exec('COMMIT')
  assert.equal(inAnotherProcess(path, `return db.get('SELECT count(*) AS n FROM message').n`), '1')
})

test('[P1] [G9] rows that an app writes into its WAL survive status, plan and verify in its process', async (t) => {
  const root = await currentRoot(t)
  const path = join(root, 'index.db')
  const app = openDatabase(path)
  app.exec('PRAGMA journal_mode = WAL')
  app.run('INSERT INTO message(body) VALUES (?)', 'before')
  await lookInEveryWay(sixStores(root))
  // Whoever believes to be the last to close a WAL database deletes its log: so it would be if the app's locks were gone.
  assert.equal(inAnotherProcess(path, `return db.get('SELECT count(*) AS n FROM message').n`), '1')
  app.run('INSERT INTO message(body) VALUES (?)', 'after')
  app.run('INSERT INTO message(body) VALUES (?)', 'after that')
  assert.equal(inAnotherProcess(path, `return db.get('SELECT count(*) AS n FROM message').n`), '3')
  app.close()
  assert.equal(inAnotherProcess(path, `return db.get('PRAGMA integrity_check').integrity_check`), 'ok')
  assert.equal(inAnotherProcess(path, `return db.get('SELECT count(*) AS n FROM message').n`), '3')
})
