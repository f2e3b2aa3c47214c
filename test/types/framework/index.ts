import { defineState, directory, isMoultError, record, records, sqlite, track } from 'moult'
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

export const links = track('links', index).step('create', { up: 'CREATE TABLE link(a TEXT, b TEXT)' })

export const Setting = record('setting', { versionKey: false }).version(1, V1)

export const archive = sqlite('archive', { path: 'archive.db' })
  .flat('CREATE TABLE old(id TEXT)', { replaces: ['create', 'fill'], lastIn: '1.4.0' })
  .adopt({ at: 'create' })

export const places = [memories.at(1), skills.at('flatten'), index.at('create'), links.at('create')] as const

export const load = (file: string) => Memory.read(file)

export const state = defineState({ app: 'framework', stores: [memories, skills, index] })

export const listLeft = async () => (await state.status()).stores.map(({ left }) => left)

export const start = () => state.open({ onNewer: 'floor', onPending: 'refuse' })

export const explain = (error: unknown) => (isMoultError(error, 'STEP_FAILED') ? error : null)
