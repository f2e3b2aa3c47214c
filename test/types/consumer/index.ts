import { index, memories, Memory, skills, state } from 'framework'
import { directory, sqlite } from 'moult'
import type { RecordValue } from 'moult'

export const memory: RecordValue<typeof Memory> = { id: 'a', body: 'b' }
// @ts-expect-error the framework's first version is not its newest
export const old: RecordValue<typeof Memory> = { id: 'a', text: 'b' }

export const attachments = directory('attachments', { path: 'attachments' }).step('by-memory', {
  reads: { memories: memories.at(1) },
  dependsOn: [skills.at('flatten'), index.at('fill')],
  async up({ files, stores }) {
    for await (const { value } of stores.memories.all()) {
      await files.write(`${value.id}.txt`, value.text)
      // @ts-expect-error seen at version 1, a memory has no body
      await files.write(`${value.id}.txt`, value.body)
    }
  },
})
// @ts-expect-error the framework's store has no such version
memories.at(3)
// @ts-expect-error the framework's store has no such step
skills.at('flattened')
// @ts-expect-error the framework took this name for a step of its own
index.step('fill', { up: 'SELECT 1' })
export const own = sqlite('own', { path: 'own.db' }).step('copy', {
  reads: { index: index.at('create') },
  up: ({ db, stores }) => {
    db.exec('CREATE TABLE copy(id TEXT)')
    for (const { id } of stores.index.each<{ id: string }>('SELECT id FROM memory'))
      db.run('INSERT INTO copy VALUES (?)', id)
    // @ts-expect-error what a step reads it cannot write
    stores.index.run('DELETE FROM memory')
  },
})

export const all = state.add(attachments, own).in('/var/lib/app')
