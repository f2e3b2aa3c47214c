// An agent that a company built on RockBot: the framework's stores, two of its own, and a step of its own on one of the
// framework's. `state.in(dataDirectory).open()` is all that its start-up code needs.
import { directory, sqlite, track } from 'moult'
import * as v from 'valibot'
import { memory, rockbot, skills } from './framework/index.js'

/** Cards from the address book, a file each. They have no steps of their own: the step below moves them on. */
export const contacts = directory('contacts', { path: 'contacts', files: '*.json' }).adopt('oldest')

const Card = v.looseObject({ id: v.string(), fullName: v.string(), email: v.nullable(v.string()) })

export const crm = sqlite('crm', { path: 'crm.db', onNewer: 'floor' })
  .step('create', {
    up: `
      CREATE TABLE customer(
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        email TEXT,
        memories INTEGER NOT NULL DEFAULT 0
      );
      CREATE TABLE visit(
        id INTEGER PRIMARY KEY,
        customer_id TEXT NOT NULL REFERENCES customer(id) ON DELETE CASCADE,
        at TEXT NOT NULL
      );
    `,
  })
  .step('import-contacts', {
    description: 'Contacts become customers, with the number of memories about them',
    // As memories were at version 2, whatever they are by then.
    reads: { memory: memory.at(2) },
    // The database's COMMIT decides for the cards too: they are gone exactly if their rows are there.
    writes: { contacts: contacts.at(0) },
    async up({ db, stores }) {
      const counts = new Map<string, number>()
      for await (const { value } of stores.memory.all({ invalid: 'skip' }))
        for (const tag of value.tags) counts.set(tag, (counts.get(tag) ?? 0) + 1)
      for await (const file of stores.contacts.glob('*.json')) {
        const card = await stores.contacts.json(file, Card)
        db.run(
          'INSERT INTO customer(id, name, email, memories) VALUES (?, ?, ?, ?)',
          card.id,
          card.fullName,
          card.email,
          counts.get(`contact:${card.id}`) ?? 0,
        )
        await stores.contacts.delete(file)
      }
    },
  })
  // The last release without moult made both tables itself.
  .adopt({ at: 'create' })

const Skill = v.looseObject({ name: v.string() })
const OwnedSkill = v.looseObject({ name: v.string(), owner: v.string() })

/** The company's own steps on the framework's skills: numbered apart, under its own name. */
export const acmeSkills = track('acme', skills).step('owners', {
  dependsOn: [skills.at('resources')],
  async up({ files }) {
    await files.rewrite('acme/**/*.json', { from: Skill, to: OwnedSkill }, (skill) => ({ ...skill, owner: 'acme' }))
  },
})

export const state = rockbot.add(contacts, crm, acmeSkills)
