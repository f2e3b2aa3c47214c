import { createHash } from 'node:crypto'
import { defineState, directory, sqlite, stepsFrom } from 'moult'
import type { DbReader } from 'moult'
import { z } from 'zod'
import { stepsFolder } from './steps-folder.js'

/** Steps in files: `0001_archived_at.sql`, `0002_message_positions.ts`, … Data from before moult stands before them. */
export const conversations = sqlite('conversations', { path: 'conversations.db' })
  .steps(stepsFrom(stepsFolder))
  .adopt('oldest')

interface Entry {
  readonly id: number
  readonly timestamp: string
  readonly intent_type: string
  readonly user_id: string
  readonly details: string
  readonly previous_hash: string
  readonly entry_hash: string
}

/** An audit trail: rows are only ever added, and each row's hash covers the row before it. */
export const intentLog = sqlite('intent-log', { path: 'intent_log.db' })
  .step('hash-algorithm', {
    up: `ALTER TABLE intent_log ADD COLUMN hash_algorithm TEXT NOT NULL DEFAULT 'sha256'`,
    down: 'ALTER TABLE intent_log DROP COLUMN hash_algorithm',
    additive: true,
  })
  .step('record-upgrade', {
    description: 'The log itself says that the stored messages were rewritten, and what they are since',
    reads: { conversations: conversations.at('0003_plain_content') },
    up({ db, stores }) {
      const messages = createHash('sha256')
      for (const { id, content } of stores.conversations.each<{ id: string; content: string }>(
        'SELECT id, content FROM messages ORDER BY id',
      ))
        messages.update(`${id}\n${content}\n`)
      const last = db.get<Entry>('SELECT * FROM intent_log ORDER BY id DESC LIMIT 1')
      if (!last) return
      const entry = {
        timestamp: last.timestamp,
        intent_type: 'UPGRADE',
        user_id: 'system',
        details: JSON.stringify({ messages: messages.digest('hex') }),
        previous_hash: last.entry_hash,
      }
      db.run(
        'INSERT INTO intent_log(timestamp, intent_type, user_id, details, previous_hash, entry_hash) VALUES (?, ?, ?, ?, ?, ?)',
        ...Object.values(entry),
        hashOf(entry),
      )
    },
    // An entry of an audit trail is not taken back
    down: 'impossible',
    validate: ({ db }) => checkChain(db),
  })
  .adopt('oldest')

function hashOf(entry: Omit<Entry, 'id' | 'entry_hash'>): string {
  const { previous_hash, timestamp, intent_type, user_id, details } = entry
  return createHash('sha256').update([previous_hash, timestamp, intent_type, user_id, details].join('|')).digest('hex')
}

function checkChain(db: DbReader): true | string {
  let previous = '0'.repeat(64)
  for (const entry of db.each<Entry>('SELECT * FROM intent_log ORDER BY id')) {
    if (entry.previous_hash !== previous || entry.entry_hash !== hashOf(entry))
      return `the hash chain breaks at entry ${entry.id}`
    previous = entry.entry_hash
  }
  return true
}

/** No steps: version 0, looked at by `verify` and covered by backups like every other store. */
export const users = sqlite('users', { path: 'users.db' }).adopt('oldest')

const indexCreated = sqlite('vault-index', { path: 'vault/index.db' }).step('trust-level', {
  up: 'ALTER TABLE blobs ADD COLUMN trust_level TEXT',
  down: 'ALTER TABLE blobs DROP COLUMN trust_level',
  additive: true,
})

const Trust = z.enum(['high', 'normal', 'low'])
const OldMetadata = z.object({ blob_id: z.string(), trust: Trust })
const Metadata = z.object({ blob_id: z.string() })
const SomeMetadata = z.object({ blob_id: z.string(), trust: Trust.optional() })

/**
 * Ciphertext and keys. Moult never looks into them; the one step reads the metadata beside them, and moves `trust` from
 * there into the index: both or neither, also when the machine loses power in between.
 */
export const vault = directory('vault', { path: 'vault', files: ['store/**', 'crypto/**'] })
  .step('trust-to-index', {
    writes: { index: indexCreated.at('trust-level') },
    async up({ files, stores }) {
      const known = new Set<string>()
      for await (const file of files.glob('store/metadata/*/*.json')) {
        const { blob_id, trust } = await files.json(file, OldMetadata)
        const { changes } = stores.index.run('UPDATE blobs SET trust_level = ? WHERE blob_id = ?', trust, blob_id)
        if (changes === 1) known.add(blob_id)
      }
      // Metadata that the index doesn't know, of an import that was cut off, is the only place its trust stands in
      await files.rewrite('store/metadata/*/*.json', { from: OldMetadata, to: Metadata }, (metadata) => {
        const { trust: _, ...rest } = metadata
        return known.has(metadata.blob_id) ? rest : metadata
      })
    },
    async down({ files, stores }) {
      const rows = stores.index.all<{ blob_id: string; trust_level: z.infer<typeof Trust> }>('SELECT * FROM blobs')
      const levels = new Map(rows.map(({ blob_id, trust_level }) => [blob_id, trust_level]))
      await files.rewrite('store/metadata/*/*.json', { from: SomeMetadata, to: SomeMetadata }, (metadata) => {
        const trust = levels.get(metadata.blob_id)
        return trust === undefined ? metadata : { ...metadata, trust }
      })
      stores.index.exec('UPDATE blobs SET trust_level = NULL')
    },
    validate({ stores }) {
      const missing = stores.index.number('SELECT count(*) FROM blobs WHERE trust_level IS NULL')
      return missing === 0 || `${missing} blobs have no trust level`
    },
  })
  .adopt('oldest')

/** Only once the levels are there may the app rely on them, so this step comes after the vault's. */
export const vaultIndex = indexCreated
  .step('by-trust', {
    dependsOn: [vault.at('trust-to-index')],
    up: 'CREATE INDEX idx_blobs_trust ON blobs(trust_level, created_at)',
    down: 'DROP INDEX idx_blobs_trust',
    additive: true,
  })
  .adopt('oldest')

export const memory = sqlite('memory', { path: 'memory.db' })
  .step('owner-id', {
    description: 'Names of users can change; their ids cannot',
    reads: { users: users.at(0) },
    up({ db, stores }) {
      db.addColumn('memories', 'owner_id TEXT')
      const ids = stores.users.all<{ id: string; username: string }>('SELECT id, username FROM users')
      // Of those who left only the name is known: it stays, like the record of their consent
      db.runMany(
        'UPDATE memories SET owner_id = ? WHERE owner = ?',
        ids.map(({ id, username }) => [id, username]),
      )
    },
    down: ({ db }) => db.dropColumn('memories', 'owner_id'),
    additive: true,
  })
  .step('trust-level', {
    reads: { index: vaultIndex.at('by-trust') },
    up({ db, stores }) {
      db.addColumn('memories', "trust_level TEXT NOT NULL DEFAULT 'normal'")
      const levels = stores.index.each<{ blob_id: string; trust_level: string }>(
        'SELECT blob_id, trust_level FROM blobs WHERE trust_level IS NOT NULL',
      )
      for (const { blob_id, trust_level } of levels)
        db.run('UPDATE memories SET trust_level = ? WHERE blob_id = ?', trust_level, blob_id)
    },
    down: ({ db }) => db.dropColumn('memories', 'trust_level'),
  })
  .adopt('oldest')

export const state = defineState({
  app: 'agent-os',
  appVersion: '2.0.0',
  stores: [conversations, intentLog, users, memory, vaultIndex, vault],
})
