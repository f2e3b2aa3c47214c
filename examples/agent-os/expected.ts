import { createHash } from 'node:crypto'
import { lstatSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { readTables } from '../read-tables.js'
import type { PlainRow } from '../read-tables.js'
import { chainHash } from './old-state.js'

type Rows = readonly PlainRow[]

interface Content {
  readonly conversations: Rows
  readonly messages: Rows
  readonly oldSchemaVersion: Rows
  readonly search: Readonly<Record<string, readonly string[]>>
  readonly intentLog: Rows
  readonly users: Rows
  readonly memories: Rows
  readonly consent: Rows
  readonly blobs: Rows
  /** Mode and digest of every file in the vault but its index. */
  readonly vault: Readonly<Record<string, string>>
  /** Modes of the databases, and the bytes of the one that nobody claims. */
  readonly files: Readonly<Record<string, string>>
}

/** A word with diacritics, one in another script, one that stands only in the old wrapping, common ones and none. */
const searches = ['tea', 'cafe', 'text', '東京', 'migration', 'nowhere']

const queries = {
  conversations: {
    conversations: 'SELECT * FROM conversations ORDER BY id',
    messages: 'SELECT rowid, * FROM messages ORDER BY rowid',
    oldSchemaVersion: 'SELECT * FROM schema_version',
  },
  memory: { memories: 'SELECT * FROM memories ORDER BY id', consent: 'SELECT * FROM consent_records ORDER BY id' },
} as const

export function readContent(root: string): Content {
  const { conversations, messages, oldSchemaVersion } = readTables(
    join(root, 'conversations.db'),
    queries.conversations,
  )
  return {
    conversations,
    messages,
    oldSchemaVersion,
    search: Object.fromEntries(searches.map((word) => [word, search(root, word)])),
    intentLog: readTables(join(root, 'intent_log.db'), { rows: 'SELECT * FROM intent_log ORDER BY id' }).rows,
    users: readTables(join(root, 'users.db'), { rows: 'SELECT * FROM users ORDER BY id' }).rows,
    ...readTables(join(root, 'memory.db'), queries.memory),
    blobs: readTables(join(root, 'vault/index.db'), { rows: 'SELECT * FROM blobs ORDER BY blob_id' }).rows,
    vault: readVault(root, (_, bytes) => bytes),
    files: readModes(root),
  }
}

function search(root: string, word: string): string[] {
  const sql = `SELECT m.id FROM messages_fts JOIN messages m ON m.rowid = messages_fts.rowid WHERE messages_fts MATCH '"${word}"' ORDER BY m.id`
  return readTables(join(root, 'conversations.db'), { rows: sql }).rows.map(({ id }) => String(id))
}

export function expectedContent(oldRoot: string): Content {
  const { blobs, users, memories, messages, ...old } = readContent(oldRoot)
  const upgraded = withPositions(messages).map((row) => ({ ...row, content: unwrap(row) }))
  const trust = new Map(metadataOf(oldRoot).map(({ blob_id, trust }) => [blob_id, trust]))
  const indexed = new Set(blobs.map(({ blob_id }) => String(blob_id)))
  const userIds = new Map(users.map(({ username, id }) => [username, String(id)]))
  return {
    ...old,
    users,
    conversations: old.conversations.map((row) => ({
      ...row,
      archived_at: row['is_archived'] === 1 ? (row['updated_at'] ?? null) : null,
    })),
    messages: upgraded,
    search: Object.fromEntries(searches.map((word) => [word, find(upgraded, word)])),
    intentLog: withUpgradeEntry(old.intentLog, upgraded),
    memories: memories.map((row) => ({
      ...row,
      owner_id: userIds.get(row['owner'] ?? '') ?? null,
      trust_level: trust.get(String(row['blob_id'])) ?? 'normal',
    })),
    blobs: blobs.map((row) => ({ ...row, trust_level: trust.get(String(row['blob_id'])) ?? null })),
    vault: readVault(oldRoot, (path, bytes) =>
      path.startsWith('store/metadata/') && indexed.has(path.slice(-37, -5)) ? withoutTrust(bytes) : bytes,
    ),
  }
}

function withPositions(messages: Rows): Rows {
  const taken = new Map<string, number>()
  const inOrder = messages.toSorted((a, b) =>
    a['timestamp'] === b['timestamp']
      ? Number(a['rowid']) - Number(b['rowid'])
      : String(a['timestamp']) < String(b['timestamp'])
        ? -1
        : 1,
  )
  const positions = new Map<string, number>()
  for (const { id, conversation_id } of inOrder) {
    const position = (taken.get(String(conversation_id)) ?? 0) + 1
    taken.set(String(conversation_id), position)
    positions.set(String(id), position)
  }
  return messages.map((row) => ({ ...row, position: positions.get(String(row['id'])) ?? null }))
}

function unwrap({ role, content }: PlainRow): string {
  const text = String(content)
  return role === 'tool' && text.startsWith('{') ? (JSON.parse(text) as { text: string }).text : text
}

/** What FTS5's default tokenizer, unicode61, makes of a text: words in lower case, without diacritics. */
function find(messages: Rows, word: string): string[] {
  const words = (content: unknown): string[] =>
    String(content)
      .normalize('NFD')
      .replaceAll(/\p{M}/gu, '')
      .toLowerCase()
      .split(/[^\p{L}\p{N}]+/u)
  return messages
    .filter(({ content }) => words(content).includes(word))
    .map(({ id }) => String(id))
    .sort()
}

function withUpgradeEntry(log: Rows, messages: Rows): Rows {
  const last = log.at(-1)
  const byId = messages.toSorted((a, b) => (String(a['id']) < String(b['id']) ? -1 : 1))
  const digest = createHash('sha256')
  for (const { id, content } of byId) digest.update(`${String(id)}\n${String(content)}\n`)
  const previous = String(last?.['entry_hash'])
  const entry = {
    timestamp: String(last?.['timestamp']),
    type: 'UPGRADE',
    user: 'system',
    details: `{"messages":"${digest.digest('hex')}"}`,
  }
  const added = {
    id: Number(last?.['id']) + 1,
    timestamp: entry.timestamp,
    intent_type: entry.type,
    user_id: entry.user,
    details: entry.details,
    previous_hash: previous,
    entry_hash: chainHash(previous, entry),
  }
  return [...log, added].map((row) => ({ ...row, hash_algorithm: 'sha256' }))
}

function metadataOf(root: string): { readonly blob_id: string; readonly trust: string }[] {
  return vaultFiles(root)
    .filter((path) => path.startsWith('store/metadata/'))
    .map((path) => JSON.parse(readFileSync(join(root, 'vault', path), 'utf8')) as { blob_id: string; trust: string })
}

/** The line, or part of a line, that holds `trust`; everything around it stays as it was written. */
function withoutTrust(bytes: Uint8Array): Uint8Array {
  return Buffer.from(
    Buffer.from(bytes)
      .toString('utf8')
      .replace(/\s*"trust":\s*"[a-z]+",/, ''),
  )
}

function vaultFiles(root: string): string[] {
  const entries = readdirSync(join(root, 'vault'), { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return files.map((path) => path.slice(join(root, 'vault/').length)).filter((path) => /^(store|crypto)\//.test(path))
}

function readVault(root: string, change: (path: string, bytes: Uint8Array) => Uint8Array): Record<string, string> {
  const prints = vaultFiles(root)
    .sort()
    .map((path) => {
      const bytes = change(path, readFileSync(join(root, 'vault', path)))
      return [path, `${modeOf(join(root, 'vault', path))} ${createHash('sha256').update(bytes).digest('hex')}`]
    })
  return Object.fromEntries(prints) as Record<string, string>
}

function readModes(root: string): Record<string, string> {
  const paths = [
    'vault',
    'vault/crypto',
    'vault/index.db',
    'conversations.db',
    'intent_log.db',
    'users.db',
    'memory.db',
  ]
  const modes = paths.map((path) => [path, modeOf(join(root, path))])
  const unclaimed = createHash('sha256')
    .update(readFileSync(join(root, 'migrations.db')))
    .digest('hex')
  return Object.fromEntries([...modes, ['migrations.db', unclaimed]]) as Record<string, string>
}

function modeOf(path: string): string {
  return (lstatSync(path).mode & 0o7777).toString(8)
}
