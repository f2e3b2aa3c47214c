import { createHash } from 'node:crypto'
import { chmodSync, copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openDatabase } from '../../test/support/sqlite.js'
import type { AppDatabase } from '../../test/support/sqlite.js'
import { generator } from '../generator.js'
import type { Generator } from '../generator.js'
import * as schema from './old-schema.js'

/** The data directory of Agent OS 1.1.0: four databases, the vault, and the log of its own migration framework. */
export function makeOldState(root: string): void {
  const random = generator(1)
  const users = Array.from({ length: 12 }, (_, n) => ({ id: random.uuid(), name: `user${n}` }))
  makeDatabase(join(root, 'conversations.db'), schema.conversations, (db) => fillConversations(db, random))
  makeDatabase(join(root, 'users.db'), schema.users, (db) => fillUsers(db, users, random))
  const blobs = makeVault(join(root, 'vault'), random)
  const names = users.map(({ name }) => name)
  makeDatabase(join(root, 'memory.db'), schema.memory, (db) => fillMemory(db, names, blobs, random))
  makeDatabase(join(root, 'migrations.db'), schema.migrations, fillMigrations)
  leaveIntentLog(root, names, random)
}

function makeDatabase(path: string, sql: string, fill: (db: AppDatabase) => void): void {
  const db = openDatabase(path)
  db.exec(`PRAGMA synchronous = OFF; ${sql}`)
  db.exec('BEGIN')
  fill(db)
  db.exec('COMMIT')
  db.close()
}

function fillConversations(db: AppDatabase, random: Generator): void {
  const conversations = Array.from({ length: 60 }, () => random.uuid())
  for (const id of conversations) {
    const created = random.date()
    const updated = new Date(created.getTime() + random.int(1, 90) * 60_000).toISOString()
    db.run(
      'INSERT INTO conversations VALUES (?, ?, ?, ?, ?, ?, ?)',
      id,
      random.sentence(4),
      created.toISOString(),
      updated,
      random.pick(['claude-3', 'llama3:8b', null]),
      random.chance(20) ? 1 : 0,
      random.chance(50) ? null : '{"pinned":true}',
    )
    let time = created.getTime()
    for (let n = random.int(10, 50); n > 0; n--) {
      // Several messages of one millisecond: the assistant answers with its tools' output
      time += random.chance(15) ? 0 : random.int(1, 60_000)
      addMessage(db, random, id, new Date(time).toISOString())
    }
  }
  // Deleted conversations took their messages along, so that rowids have gaps
  for (const id of conversations.filter((_, index) => index % 17 === 3))
    db.run('DELETE FROM conversations WHERE id = ?', id)
  db.run(
    'INSERT INTO schema_version VALUES (1, ?, ?, ?, ?)',
    '1.1.0',
    '0002',
    '2025-11-02T08:00:00',
    'Add full-text search',
  )
}

function addMessage(db: AppDatabase, random: Generator, conversation: string, timestamp: string): void {
  const role = random.pick(['user', 'assistant', 'assistant', 'tool'])
  const words = random.sentence(random.int(3, 20))
  db.run(
    'INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?)',
    `msg_${random.hex(16)}`,
    conversation,
    role,
    // A tool message that was typed in by hand isn't wrapped
    role === 'tool' && random.chance(90) ? JSON.stringify({ text: words }) : words,
    timestamp,
    random.chance(80) ? random.int(1, 900) : null,
    random.chance(10) ? '{"edited":true}' : null,
  )
}

function fillUsers(db: AppDatabase, users: readonly { id: string; name: string }[], random: Generator): void {
  for (const { id, name } of users)
    db.run(
      'INSERT INTO users VALUES (?, ?, ?, ?, ?)',
      id,
      name,
      `scrypt$${random.hex(64)}`,
      random.pick(['adult', 'child', 'admin']),
      random.date().toISOString(),
    )
}

function fillMemory(db: AppDatabase, names: readonly string[], blobs: readonly string[], random: Generator): void {
  for (const blob of blobs) {
    const id = `mem_${random.hex(12)}`
    const created = random.date().toISOString()
    // One owner has left; what is theirs stays until they ask for its removal
    const owner = random.pick([...names, 'someone-who-left'])
    db.run('INSERT INTO memories VALUES (?, ?, ?, ?, ?)', id, owner, blob, random.pick(['fact', 'preference']), created)
    for (let n = random.int(1, 3); n > 0; n--)
      db.run(
        'INSERT INTO consent_records(memory_id, granted_by, purpose, granted_at) VALUES (?, ?, ?, ?)',
        id,
        owner,
        random.pick(['recall', 'training', 'export']),
        created,
      )
  }
}

function fillMigrations(db: AppDatabase): void {
  const names = ['initial_schema', 'add_full_text_search']
  names.forEach((name, index) =>
    db.run(
      'INSERT INTO migration_history VALUES (?, ?, ?, ?, 1, ?, NULL)',
      `000${index + 1}`,
      name,
      `2025-1${index}-02T08:00:00`,
      createHash('sha256').update(name).digest('hex'),
      12.5,
    ),
  )
}

/** Blobs, chunks and metadata, spread over folders by the first four digits; returns the ids of the blobs. */
function makeVault(vault: string, random: Generator): readonly string[] {
  for (const folder of ['', 'store', 'store/blobs', 'store/chunks', 'store/metadata', 'crypto'])
    mkdirSync(join(vault, folder), { mode: 0o700 })
  writePrivate(join(vault, 'crypto/master.key'), noise(random, 32))
  writePrivate(join(vault, 'crypto/salt'), noise(random, 16))
  const blobs = Array.from({ length: 120 }, () => random.hex(32))
  makeDatabase(join(vault, 'index.db'), schema.vaultIndex, (db) => {
    for (const id of blobs) {
      const content = noise(random, random.int(100, 3000))
      const chunks = random.chance(25) ? random.int(1, 3) : 0
      db.run(
        'INSERT INTO blobs VALUES (?, ?, ?, ?, ?)',
        id,
        `key-${random.int(1, 4)}`,
        content.length,
        chunks,
        random.date().toISOString(),
      )
      writeSharded(vault, 'blobs', id, '.enc', content)
      for (let n = 0; n < chunks; n++) writeSharded(vault, 'chunks', id, `.${n}`, noise(random, 500))
      writeSharded(vault, 'metadata', id, '.json', metadata(random, id))
    }
  })
  // An import that was cut off: the metadata is there, the index has never heard of it
  for (let n = 0; n < 3; n++) {
    const id = random.hex(32)
    writeSharded(vault, 'metadata', id, '.json', metadata(random, id))
  }
  chmodSync(join(vault, 'index.db'), 0o600)
  return blobs
}

/** Written by three releases of the app, each with a layout of its own. */
function metadata(random: Generator, id: string): string {
  const document = {
    blob_id: id,
    content_type: random.pick(['text/plain', 'image/png']),
    trust: random.pick(['high', 'normal', 'low']),
    nonce: random.hex(24),
    wrapped_key: Buffer.from(random.hex(64), 'hex').toString('base64'),
  }
  return random.pick([
    JSON.stringify(document),
    `${JSON.stringify(document, null, 2)}\n`,
    JSON.stringify(document, null, '\t'),
  ])
}

function writeSharded(vault: string, kind: string, id: string, ending: string, content: string | Uint8Array): void {
  const folder = join(vault, 'store', kind, id.slice(0, 4))
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  writePrivate(join(folder, id + ending), content)
}

function writePrivate(path: string, content: string | Uint8Array): void {
  writeFileSync(path, content, { mode: 0o600 })
}

/** Looks like ciphertext. */
function noise(random: Generator, bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, () => random.int(0, 255))
}

export interface IntentEntry {
  readonly timestamp: string
  readonly type: string
  readonly user: string
  readonly details: string
}

/** How the app has always chained its log: each entry's hash covers the one before. */
export function chainHash(previous: string, { timestamp, type, user, details }: IntentEntry): string {
  return createHash('sha256').update([previous, timestamp, type, user, details].join('|')).digest('hex')
}

/** The app was killed: its last rows stand in the write-ahead log only, and the log's index is still there. */
function leaveIntentLog(root: string, names: readonly string[], random: Generator): void {
  const path = join(root, 'intent_log.db')
  const making = join(root, 'intent_log.making.db')
  const db = openDatabase(making)
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 0; ${schema.intentLog}`)
  const logged = { time: Date.UTC(2026, 0, 1), hash: '0'.repeat(64) }
  const append = (count: number): void => {
    db.exec('BEGIN')
    for (let n = 0; n < count; n++) {
      const entry = {
        timestamp: new Date((logged.time += random.int(1, 600_000))).toISOString(),
        type: random.pick(['READ', 'WRITE', 'DENY', 'RECALL']),
        user: random.pick(names),
        details: JSON.stringify({ reason: random.sentence(6) }),
      }
      const previous = logged.hash
      logged.hash = chainHash(previous, entry)
      db.run(
        'INSERT INTO intent_log(timestamp, intent_type, user_id, details, previous_hash, entry_hash) VALUES (?, ?, ?, ?, ?, ?)',
        entry.timestamp,
        entry.type,
        entry.user,
        entry.details,
        previous,
        logged.hash,
      )
    }
    db.exec('COMMIT')
  }
  append(600)
  db.all('PRAGMA wal_checkpoint(TRUNCATE)')
  append(200)
  for (const suffix of ['', '-wal', '-shm']) {
    copyFileSync(making + suffix, path + suffix)
    chmodSync(path + suffix, 0o600)
  }
  db.close()
  for (const suffix of ['', '-wal', '-shm']) rmSync(making + suffix, { force: true })
}
