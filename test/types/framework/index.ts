import { defineState, directory, record, records, sqlite } from 'moult'
import { z } from 'zod'

// What a framework exports: stores, a record type, and a state without a root. Nothing is annotated, so everything
// that the inferred types mention must have a name that a .d.ts can write.
const V1 = z.object({ id: z.string(), text: z.string() })
const V2 = z.object({ id: z.string(), body: z.string() })

export const Memory = record('memory', { versionKey: 'v', unversioned: 1 })
  .version(1, V1)
  .version(2, V2, { up: ({ text, ...rest }) => ({ ...rest, body: text }) })

export const memories = records('memories', { path: 'memories', files: '*.json', record: Memory })

export const skills = directory('skills', { path: 'skills' }).step('flatten', {
  async up({ files }) {
    for await (const file of files.glob('*/skill.md')) await files.move(file, file.replace('/skill', ''))
  },
})

export const index = sqlite('index', { path: 'index.db' })
  .step('create', { up: 'CREATE TABLE memory(id TEXT PRIMARY KEY, body TEXT)' })
  .step('fill', {
    reads: { memories: memories.at(2), skills: skills.at('flatten') },
    async up({ db, stores }) {
      for await (const { value } of stores.memories.all())
        db.run('INSERT INTO memory VALUES (?, ?)', value.id, value.body)
    },
  })

export const state = defineState({ app: 'framework', stores: [memories, skills, index] })
