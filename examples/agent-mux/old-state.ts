import { join } from 'node:path'
import { openDatabase } from '../../test/support/sqlite.js'
import type { AppDatabase } from '../../test/support/sqlite.js'
import { generator } from '../generator.js'
import type { Generator } from '../generator.js'
import { chain } from './chain.js'

const filestoreSchema = `
CREATE TABLE IF NOT EXISTS db_wave_file (zoneid VARCHAR(36) NOT NULL, name VARCHAR(200) NOT NULL, size BIGINT NOT NULL,
  createdts BIGINT NOT NULL, modts BIGINT NOT NULL, opts TEXT NOT NULL, meta TEXT NOT NULL, PRIMARY KEY (zoneid, name));
CREATE TABLE IF NOT EXISTS db_file_data (zoneid VARCHAR(36) NOT NULL, name VARCHAR(200) NOT NULL, partidx INTEGER NOT NULL,
  data BLOB NOT NULL, PRIMARY KEY (zoneid, name, partidx));`

const sagaSchema = `
CREATE TABLE IF NOT EXISTS saga (id TEXT PRIMARY KEY, kind TEXT NOT NULL, state INTEGER NOT NULL, started_at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS saga_step (saga_id TEXT NOT NULL REFERENCES saga(id) ON DELETE CASCADE, idx INTEGER NOT NULL,
  name TEXT NOT NULL, compensated INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (saga_id, idx));
CREATE INDEX IF NOT EXISTS idx_saga_state ON saga(state);`

/** The data directory of AgentMux 0.32: three databases in WAL mode, closed, user_version 0. */
export function makeOldState(root: string): void {
  const random = generator(4)
  makeDatabase(join(root, 'objects.db'), '', (db) => fillObjects(db, random))
  makeDatabase(join(root, 'filestore.db'), filestoreSchema, (db) => fillFilestore(db, random))
  makeDatabase(join(root, 'sagas.db'), sagaSchema, (db) => fillSagas(db, random))
}

function makeDatabase(path: string, sql: string, fill: (db: AppDatabase) => void): void {
  const db = openDatabase(path)
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; BEGIN; ${sql}`)
  fill(db)
  db.exec('COMMIT')
  db.close()
}

/** What users had made by the time of each migration goes in before the next one. */
function fillObjects(db: AppDatabase, random: Generator): void {
  for (const { name, sql } of chain) {
    db.exec(sql)
    if (name === 'forge-7') fillWorkflows(db, random)
  }
  for (const type of ['client', 'window', 'workspace', 'tab', 'block'])
    for (let n = type === 'client' ? 1 : random.int(40, 120); n > 0; n--)
      db.run(
        `INSERT INTO db_${type} VALUES (?, ?, ?)`,
        random.uuid(),
        random.int(1, 40),
        JSON.stringify({ otype: type, name: random.sentence(2), meta: {} }),
      )
  for (let n = 0; n < 60; n++) addAgent(db, random)
  // Agents that were deleted took what is theirs along; their history stays, and so do the gaps in its ids
  db.exec('DELETE FROM db_forge_agents WHERE rowid % 13 = 5; DELETE FROM db_forge_history WHERE id % 11 = 2')
  db.exec('DELETE FROM db_forge_history WHERE id = (SELECT max(id) FROM db_forge_history)')
  const identities = Array.from({ length: 20 }, () => random.uuid())
  for (const id of identities)
    db.run('INSERT INTO db_identities VALUES (?, ?, ?)', id, random.sentence(1), random.pick(['human', 'agent']))
  for (let n = 0; n < 300; n++)
    db.run(
      'INSERT INTO db_memories VALUES (?, ?, ?)',
      random.uuid(),
      random.chance(80) ? random.pick(identities) : null,
      random.sentence(12),
    )
  for (let n = 0; n < 50; n++) db.run('INSERT INTO db_sentinel(beat) VALUES (?)', n)
}

function fillWorkflows(db: AppDatabase, random: Generator): void {
  for (let n = 0; n < 15; n++) {
    const id = random.uuid()
    db.run('INSERT INTO db_workflow_definitions VALUES (?, ?, ?)', id, random.sentence(3), '{"nodes":[]}')
    db.run('INSERT INTO db_workflow_runs VALUES (?, ?, ?)', random.uuid(), id, random.pick(['ok', 'failed']))
  }
}

function addAgent(db: AppDatabase, random: Generator): void {
  const id = random.uuid()
  const created = random.date().getTime()
  db.run(
    'INSERT INTO db_forge_agents VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    id,
    random.sentence(2),
    random.pick(['🐋', '✦', '⚒']),
    random.pick(['claude', 'codex', 'gemini']),
    random.chance(50) ? random.sentence(6) : '',
    created,
    random.chance(50) ? `~/work/${random.hex(4)}` : '',
    random.pick(['host', 'container']),
  )
  for (const type of ['soul', 'agentmd', 'mcp'])
    if (random.chance(60))
      db.run('INSERT INTO db_forge_content VALUES (?, ?, ?, ?)', id, type, random.sentence(20), created + 5)
  for (let n = random.int(0, 5); n > 0; n--)
    db.run(
      'INSERT INTO db_forge_skills VALUES (?, ?, ?, ?)',
      random.uuid(),
      id,
      random.sentence(2),
      random.sentence(15),
    )
  for (let n = random.int(0, 20); n > 0; n--)
    db.run(
      'INSERT INTO db_forge_history(agent_id, session_date, entry) VALUES (?, ?, ?)',
      id,
      random.date().toISOString().slice(0, 10),
      random.sentence(8),
    )
  for (let n = random.int(0, 3); n > 0; n--)
    db.run(
      'INSERT INTO db_forge_instances VALUES (?, ?, ?, ?)',
      random.uuid(),
      id,
      random.chance(70) ? random.uuid() : null,
      created + random.int(1, 1_000_000),
    )
}

function fillFilestore(db: AppDatabase, random: Generator): void {
  for (let n = 0; n < 150; n++) {
    const zone = random.uuid()
    const name = random.pick(['term', 'cache:term:full', 'größe.txt'])
    const parts = Array.from({ length: random.int(1, 4) }, () =>
      Uint8Array.from({ length: random.int(1, 400) }, () => random.int(0, 255)),
    )
    const size = parts.reduce((sum, part) => sum + part.length, 0)
    const time = random.date().getTime()
    db.run(
      'INSERT INTO db_wave_file VALUES (?, ?, ?, ?, ?, ?, ?)',
      zone,
      name,
      size,
      time,
      time + 7,
      '{"circular":true}',
      '{}',
    )
    parts.forEach((part, index) => db.run('INSERT INTO db_file_data VALUES (?, ?, ?, ?)', zone, name, index, part))
  }
}

function fillSagas(db: AppDatabase, random: Generator): void {
  for (let n = 0; n < 100; n++) {
    const id = random.uuid()
    // 7 was written by a bug of 0.29 for sagas that had failed
    const state = random.pick([0, 1, 1, 1, 2, 3, 7])
    db.run('INSERT INTO saga VALUES (?, ?, ?, ?)', id, random.pick(['spawn', 'close']), state, random.date().getTime())
    for (let idx = random.int(0, 6); idx > 0; idx--)
      db.run('INSERT INTO saga_step VALUES (?, ?, ?, ?)', id, idx, random.sentence(2), random.chance(20) ? 1 : 0)
  }
}
