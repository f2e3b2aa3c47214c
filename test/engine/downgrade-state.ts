import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { defineState, directory, isMoultError, record, records, sqlite } from 'moult'
import type { MoultError, State } from 'moult'
import { z } from 'zod'
import { temporaryFolder } from '../support/footprint.js'

const Item = record('item', { versionKey: 'v', unversioned: 1 })
  .version(1, z.object({ id: z.string() }))
  .version(2, z.object({ id: z.string(), tags: z.array(z.string()) }), {
    up: (value) => ({ ...value, tags: [] }),
    down: ({ tags: _, ...rest }) => rest,
  })
  .version(3, z.object({ id: z.string(), labels: z.array(z.string()) }), {
    up: ({ tags, ...rest }) => ({ ...rest, labels: tags }),
    down: ({ labels, ...rest }) => ({ ...rest, tags: labels }),
  })
export const items = records('items', { path: 'items', files: '*.json', record: Item })

export const notes = directory('notes', { path: 'notes' })
  .step('by-year', {
    async up({ files }) {
      for await (const file of files.glob('*.md')) await files.move(file, `${file.slice(0, 4)}/${file}`)
    },
    async down({ files }) {
      for await (const file of files.glob('*/*.md')) await files.move(file, file.slice(5))
    },
  })
  .adopt('oldest')

export const index = sqlite('index', { path: 'index.db', userVersion: true })
  .step('create', { up: 'CREATE TABLE note(name TEXT PRIMARY KEY, text TEXT)', down: 'DROP TABLE note' })
  .step('take-notes', {
    writes: { notes: notes.at('by-year') },
    reads: { items: items.at(2) },
    async up({ db, stores }) {
      for await (const file of stores.notes.glob('2024/*.md')) {
        db.run('INSERT INTO note VALUES (?, ?)', file, await stores.notes.text(file))
        await stores.notes.delete(file)
      }
    },
    async down({ db, stores }) {
      assert.equal((await stores.items.get('a.json'))?.tags.length, 0)
      for (const { name, text } of db.all<{ name: string; text: string }>('SELECT * FROM note'))
        await stores.notes.write(name, text)
      db.run('DELETE FROM note')
    },
  })
  .step('length', { up: 'ALTER TABLE note ADD COLUMN length INTEGER', down: 'ALTER TABLE note DROP COLUMN length' })

export const base = defineState({ app: 'agent', appVersion: '2.0.0', stores: [items, notes, index] })

export function oldRoot(t: TestContext): string {
  const root = temporaryFolder(t)
  for (const folder of ['items', 'notes']) mkdirSync(join(root, folder))
  writeFileSync(join(root, 'items/a.json'), '{ "v": 1, "id": "a", "kept": 1.0 }\n')
  writeFileSync(join(root, 'items/b.json'), '{ "id": "b", "v": 1 }')
  for (const name of ['2024-x', '2024-y', '2025-z']) writeFileSync(join(root, `notes/${name}.md`), `note ${name}`)
  return root
}

export async function upgraded(t: TestContext, state: State = base): Promise<string> {
  const root = oldRoot(t)
  await state.in(root).upgrade()
  return root
}

export async function failing(call: Promise<unknown>): Promise<MoultError> {
  const error = await call.then(
    () => assert.fail('it should have failed'),
    (thrown: unknown) => thrown,
  )
  assert.ok(isMoultError(error), String(error))
  return error
}

/** The same with one more step of the database. */
export function withLast(step: Parameters<typeof index.step<'last'>>[1]): State {
  return defineState({ app: 'agent', stores: [items, notes, index.step('last', step)] })
}
