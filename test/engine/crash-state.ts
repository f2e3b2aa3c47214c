import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { defineState, directory, record, records, sqlite } from 'moult'
import type { State } from 'moult'
import { z } from 'zod'

const One = z.object({ id: z.string() })
const Item = record('item', { versionKey: 'v', unversioned: 1 })
  .version(1, One)
  .version(2, z.object({ id: z.string(), name: z.string() }), {
    up: (value) => ({ ...value, name: `name of ${value.id}` }),
    down: ({ name: _, ...rest }) => rest,
  })

/**
 * Three kinds of store; one step moves files into a database, so that its COMMIT decides for the files, and neither the
 * moves nor the inserts could be done twice unseen. Version 1 is the program that has not heard of that step.
 */
export function makeState(version: number): State {
  const items = records('items', { path: 'items', files: '*.json', record: Item })
  const notes = directory('notes', { path: 'notes' })
    .step('number', {
      async up({ files }) {
        // Chains of moves, a swap, a removal and a directory that empties
        await files.move('b.md', 'c/b.md')
        await files.move('a.md', 'b.md')
        await files.write('a.md', 'a new a')
        await files.delete('old/gone.md')
      },
      async down({ files }) {
        await files.write('old/gone.md', 'gone')
        await files.delete('a.md')
        await files.move('b.md', 'a.md')
        await files.move('c/b.md', 'b.md')
      },
    })
    .adopt('oldest')
  const log = sqlite('log', { path: 'log.db' }).step('create', {
    up: "CREATE TABLE entry(id INTEGER PRIMARY KEY, text TEXT); INSERT INTO entry(text) VALUES ('first')",
    down: 'DROP TABLE entry',
  })
  const moved = log.step('take-notes', {
    writes: { notes: notes.at('number') },
    async up({ db, stores }) {
      for await (const file of stores.notes.glob('take/*.md')) {
        db.run('INSERT INTO entry(text) VALUES (?)', await stores.notes.text(file))
        await stores.notes.delete(file)
      }
      await stores.notes.write('taken.md', `${db.number('SELECT count(*) FROM entry')} entries`)
    },
    async down({ db, stores }) {
      for (const { id, text } of db.all<{ id: number; text: string }>('SELECT * FROM entry WHERE id > 1'))
        await stores.notes.write(`take/${id - 2}.md`, text)
      db.run('DELETE FROM entry WHERE id > 1')
      await stores.notes.delete('taken.md')
    },
  })
  return defineState({
    app: 'crash',
    appVersion: `${version}.0.0`,
    stores: [items, notes, version === 1 ? log : moved],
  })
}

/** Where the old state is, in a downgrade's words. */
export const oldest = ['items@1', 'notes@0', 'log@0'] as const

export function makeOldState(root: string): void {
  for (const folder of ['items', 'notes/old', 'notes/take']) mkdirSync(join(root, folder), { recursive: true })
  for (let n = 0; n < 3; n++)
    writeFileSync(join(root, `items/${n}.json`), `{"v": 1, "id": "${n}", "kept": [1.0, 2e3]}\n`)
  writeFileSync(join(root, 'notes/a.md'), 'old a')
  writeFileSync(join(root, 'notes/b.md'), 'old b')
  writeFileSync(join(root, 'notes/old/gone.md'), 'gone')
  for (let n = 0; n < 3; n++) writeFileSync(join(root, `notes/take/${n}.md`), `note ${n}`)
}
