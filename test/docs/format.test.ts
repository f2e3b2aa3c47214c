import assert from 'node:assert/strict'
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { defineState, directory, sqlite } from 'moult'
import type { State } from 'moult'
import { openDatabase } from '../support/sqlite.js'
import { readPage } from './pages.js'

const { text } = readPage('docs/format.md')

const plain = directory('notes', { path: 'notes' }).step('upper', {
  async up({ files }) {
    for await (const file of files.glob('*.md')) await files.write(file, (await files.text(file)).toUpperCase())
  },
})
const index = sqlite('index', { path: 'index.db' })
  .step('create', { up: 'CREATE TABLE note(name TEXT)' })
  .step('fill', {
    writes: { notes: plain.at('upper') },
    async up({ db, stores }) {
      for await (const file of stores.notes.glob('*.md')) db.run('INSERT INTO note VALUES (?)', file)
      await stores.notes.write('index.txt', 'made by the index')
    },
  })

/** A folder from before moult, and no database yet; one step of the database writes both. */
function makeState(t: TestContext): { readonly root: string; readonly state: State } {
  const root = mkdtempSync(join(tmpdir(), 'moult-format-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  mkdirSync(join(root, 'notes'))
  writeFileSync(join(root, 'notes/a.md'), 'hello\n')
  return { root, state: defineState({ app: 'format', stores: [plain.adopt('oldest'), index] }).in(root) }
}

function parse(path: string): Record<string, unknown> {
  return JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
}

/** Names that stand in the page as `name` or "name". */
function assertNamed(names: readonly string[], where: string): void {
  for (const name of names) assert.match(text, new RegExp(`[\`"]${name}[\`"]`), `${where} has '${name}'`)
}

test('[D4] each key of a marker file and each column of a marker table stands in docs/format.md', async (t) => {
  const { root, state } = makeState(t)
  await state.upgrade()
  const marker = parse(join(root, 'notes/.schema-version'))
  assertNamed(Object.keys(marker), 'the marker')
  assertNamed(Object.keys((marker['steps'] as object[])[0]!), 'an entry of the marker')
  assertNamed(Object.keys((marker['touches'] as object[])[0]!), 'a touch')
  const db = openDatabase(join(root, 'index.db'))
  const columns = (table: string): unknown[] =>
    db.all(`SELECT name, type, "notnull" AS required FROM pragma_table_info('${table}')`)
  const steps = columns('moult_steps')
  const commits = columns('moult_commit')
  db.exec('DROP TABLE moult_steps; DROP TABLE moult_commit')
  db.exec(/CREATE TABLE moult_steps[\s\S]*?\n\)/.exec(text)?.[0] ?? '')
  db.exec(`CREATE TABLE ${/`(moult_commit\([^`]*\))`/.exec(text)?.[1] ?? ''}`)
  assert.deepEqual(columns('moult_steps'), steps)
  assert.deepEqual(columns('moult_commit'), commits)
  db.close()
})

test('[D4] what a run keeps in .moult while it lasts stands in docs/format.md, and only backups and the log stay', async (t) => {
  const { root, state } = makeState(t)
  const seen = new Set<string>()
  const look = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      seen.add(
        entry.name
          .replace(/^commit-\d+/, 'commit-<n>')
          .replace(/^\d+$/, '<N>')
          .replace(/^notes$/, '<store>'),
      )
      if (entry.isDirectory()) look(join(folder, entry.name))
    }
  }
  let keys: string[] = []
  let owner: string[] = []
  let lines: Record<string, unknown>[] = []
  await state.upgrade({
    onEvent: (event) => {
      if (event.type !== 'commit' || !event.stores.includes('notes')) return
      look(join(root, '.moult/run'))
      keys = Object.keys(parse(join(root, '.moult/run/run.json')))
      owner = Object.keys(parse(join(root, '.moult/lock/owner.json')))
      const journal = readdirSync(join(root, '.moult/run')).find((name) => name.endsWith('.jsonl')) ?? ''
      lines = readFileSync(join(root, '.moult/run', journal), 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Record<string, unknown>)
    },
  })
  assert.ok(['run.json', 'ballast', 'commit-<n>.jsonl', '<store>', 'in', 'out'].every((name) => seen.has(name)))
  for (const name of seen) assert.ok(text.includes(name), name)
  assertNamed(keys, 'run.json')
  assertNamed(owner, 'owner.json')
  assert.deepEqual([lines[0]?.['is'], lines.at(-2)?.['is'], lines.at(-1)?.['is']], ['commit', 'decided', 'done'])
  for (const line of lines) assertNamed([...Object.keys(line), String(line['is'])], `a line '${String(line['is'])}'`)
  assert.deepEqual(readdirSync(join(root, '.moult')).sort(), ['backups', 'history.jsonl', 'lock'])
  assert.deepEqual(readdirSync(join(root, '.moult/lock')).sort(), ['gate.db', 'use.db'])
})

test('[D4] each key of a history line stands in docs/format.md', async (t) => {
  const { root, state } = makeState(t)
  await state.upgrade()
  const [first = ''] = readFileSync(join(root, '.moult/history.jsonl'), 'utf8').split('\n')
  assertNamed(Object.keys(JSON.parse(first) as object), 'the history')
})

test('[P28] a torn last line of the history is passed over, and gone after the next run', async (t) => {
  const { root, state } = makeState(t)
  await state.upgrade({ target: 'notes@1' })
  const before = await state.history()
  appendFileSync(join(root, '.moult/history.jsonl'), '{"at":"2026-11-21T10')
  assert.deepEqual(await state.history(), before)
  await state.upgrade()
  const lines = readFileSync(join(root, '.moult/history.jsonl'), 'utf8').trimEnd().split('\n')
  for (const line of lines) JSON.parse(line)
  assert.deepEqual((await state.history()).slice(0, before.length), before)
  assert.ok((await state.history()).length > before.length)
})
