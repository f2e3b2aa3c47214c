import { defineState, directory, record, records, sqlite } from 'moult'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod' // any Standard Schema library, or none

// JSON documents that carry their own version. The schemas only check: what is written is the document itself,
// so unknown keys survive a plain z.object, and a mistyped key doesn't compile.
const V1 = z.object({ id: z.string(), msgs: z.array(z.string()) })
const V2 = z.object({ id: z.string(), messages: z.array(z.object({ text: z.string() })) })

export const Session = record('session', { versionKey: 'schema_version', unversioned: 1 })
  .version(1, V1)
  .version(2, V2, {
    up: ({ msgs, ...rest }) => ({ ...rest, messages: msgs.map((text) => ({ text })) }),
    down: ({ messages, ...rest }) => ({ ...rest, msgs: messages.map((m) => m.text) }),
  })

export const sessions = records('sessions', { path: 'sessions', files: '*.json', record: Session })

// A directory of files
export const notes = directory('notes', { path: 'notes', derived: ['.embeddings/**'] })
  .step('by-year', {
    async up({ files }) {
      for await (const file of files.glob('*.md')) await files.move(file, `${file.slice(0, 4)}/${file}`)
    },
  })
  .adopt('oldest') // notes from before moult; without this line they are refused

// A SQLite database; one step reads another store as it was at version 2, whatever it is by then
export const index = sqlite('index', { path: 'index.db' })
  .step('create', { up: 'CREATE TABLE message(session TEXT, n INTEGER, body TEXT)', down: 'DROP TABLE message' })
  .step('import-sessions', {
    reads: { sessions: sessions.at(2) },
    dependsOn: [notes.at('by-year')],
    async up({ db, stores }) {
      for await (const { value } of stores.sessions.all())
        value.messages.forEach((m, i) => db.run('INSERT INTO message VALUES (?, ?, ?)', value.id, i, m.text))
    },
    async validate({ db, stores }) {
      const have = db.number('SELECT count(DISTINCT session) FROM message')
      return have <= (await stores.sessions.count()) || `${have} sessions in the index are not on disk`
    },
  })

export const state = defineState({ app: 'agent', appVersion: '2.4.0', stores: [sessions, notes, index] })
export default state.in(join(homedir(), '.agent')) // the app finds its directory; moult reads no environment
