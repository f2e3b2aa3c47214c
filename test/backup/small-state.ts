import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { defineState, directory, record, records, sqlite } from 'moult'
import type { State } from 'moult'
import { z } from 'zod'
import { temporaryFolder } from '../support/footprint.js'
import { openDatabase } from '../support/sqlite.js'

const Note = record('note', { versionKey: 'v', unversioned: 1 })
  .version(1, z.looseObject({ title: z.string() }))
  .version(2, z.looseObject({ name: z.string() }), { up: ({ title, ...rest }) => ({ ...rest, name: title }) })
export const notes = records('notes', { path: 'notes', files: '*.json', record: Note })
export const vault = directory('vault', { path: 'vault', derived: ['.cache/**'] })
  .step('sorted', {
    async up({ files }) {
      for await (const file of files.glob('*.blob')) await files.move(file, `store/${file}`)
    },
  })
  .adopt('oldest')
const create = 'CREATE TABLE item (id INTEGER PRIMARY KEY, body TEXT, file TEXT)'
export const log = sqlite('log', { path: 'log.db' })
  .step('create', { up: create })
  .step('kind', { up: "ALTER TABLE item ADD COLUMN kind TEXT NOT NULL DEFAULT 'plain'" })
  .adopt({ at: 'create' })
export const index = sqlite('index', { path: 'data/index.db' })
  .step('create', { up: create })
  .step('twice', { up: 'UPDATE item SET id = id + 1000' })
  .adopt({ at: 'create' })

export const stateIn = (root: string): State =>
  defineState({ app: 'agent', appVersion: '2.0.0', stores: [notes, vault, log, index] }).in(root)

/** What an old release left: two databases, one of them in WAL mode with rows in its log, a vault with a key, notes. */
export function oldState(t: TestContext, rows = 200): { readonly root: string; readonly state: State } {
  const root = temporaryFolder(t)
  const put = (path: string, text: string, mode = 0o644): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text, { mode })
  }
  for (let i = 0; i < 20; i++) put(`notes/n${i}.json`, JSON.stringify({ title: `note ${i}`, keep: 1.5 }, null, 2))
  put('notes/torn.json', '{ "title": "x')
  put('vault/a.blob', 'first', 0o600)
  put('vault/b.blob', 'second'.repeat(5000))
  put('vault/crypto/master.key', 'k'.repeat(32), 0o400)
  put('vault/.cache/a.idx', 'derived')
  put('elsewhere.txt', 'belongs to nobody')
  for (const path of ['log.db', 'data/index.db']) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    const db = openDatabase(join(root, path))
    db.exec(`${create}; CREATE INDEX item_body ON item(body)`)
    fill(db, 1, rows)
    db.close()
  }
  return { root, state: stateIn(root) }
}

export function fill(db: ReturnType<typeof openDatabase>, from: number, to: number): void {
  db.exec('BEGIN')
  for (let id = from; id <= to; id++)
    db.run('INSERT INTO item(id, body, file) VALUES (?, ?, ?)', id, `body ${id} ${'x'.repeat(200)}`, null)
  db.exec('COMMIT')
}
