import { join } from 'node:path'
import { openDatabase } from '../../test/support/sqlite.js'
import type { AppDatabase } from '../../test/support/sqlite.js'
import { generator } from '../generator.js'
import type { Generator } from '../generator.js'

/** The schema of Clankers 0.6.0, which created what was missing at each start and kept no version. */
const schema = `
CREATE TABLE IF NOT EXISTS sessions (
  id TEXT PRIMARY KEY, title TEXT, project_path TEXT, project_name TEXT, provider TEXT, model TEXT,
  prompt_tokens INTEGER DEFAULT 0, completion_tokens INTEGER DEFAULT 0, cost REAL DEFAULT 0,
  created_at INTEGER NOT NULL, updated_at INTEGER
);
CREATE TABLE IF NOT EXISTS messages (
  id TEXT PRIMARY KEY, session_id TEXT NOT NULL REFERENCES sessions(id) ON DELETE CASCADE, role TEXT NOT NULL,
  text_content TEXT NOT NULL, model TEXT, prompt_tokens INTEGER, completion_tokens INTEGER, duration_ms INTEGER,
  created_at INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS idx_messages_session ON messages(session_id, created_at);
CREATE TABLE IF NOT EXISTS tools (
  id TEXT PRIMARY KEY, session_id TEXT NOT NULL REFERENCES sessions(id) ON DELETE CASCADE, message_id TEXT,
  tool_name TEXT NOT NULL, tool_input TEXT, tool_output TEXT, file_path TEXT, success INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS idx_tools_session ON tools(session_id);
CREATE INDEX IF NOT EXISTS idx_tools_name ON tools(tool_name);
CREATE INDEX IF NOT EXISTS idx_tools_file ON tools(file_path) WHERE file_path IS NOT NULL;
CREATE TABLE IF NOT EXISTS file_operations (
  id TEXT PRIMARY KEY, session_id TEXT NOT NULL REFERENCES sessions(id) ON DELETE CASCADE, message_id TEXT,
  operation TEXT NOT NULL, file_path TEXT NOT NULL, success INTEGER NOT NULL DEFAULT 1, created_at INTEGER NOT NULL
);`

/** What a daemon of 0.6.0 left when it was stopped: one database in WAL mode, closed. */
export function makeOldState(root: string): void {
  const random = generator(3)
  const db = openDatabase(join(root, 'clankers.db'))
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; ${schema}`)
  db.exec('BEGIN')
  for (let n = 0; n < 80; n++) addSession(db, random)
  db.exec('COMMIT')
  db.close()
}

function addSession(db: AppDatabase, random: Generator): void {
  const id = `ses_${random.hex(20)}`
  const project = random.pick(['website', 'agent', 'größenwahn', 'dot files'])
  let time = random.date().getTime()
  db.run(
    'INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    id,
    random.chance(90) ? random.sentence(5) : null,
    `/home/anna/${project}`,
    project,
    random.pick(['anthropic', 'openai']),
    random.pick(['claude-sonnet-4', 'gpt-5']),
    random.int(0, 50_000),
    random.int(0, 9000),
    random.int(0, 900) / 100,
    time,
    random.chance(80) ? time + random.int(1, 9_000_000) : null,
  )
  for (let n = random.int(5, 40); n > 0; n--) {
    const message = `msg_${random.hex(20)}`
    time += random.int(0, 90_000)
    db.run(
      'INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
      message,
      id,
      random.pick(['user', 'assistant']),
      random.sentence(12),
      random.chance(50) ? 'claude-sonnet-4' : null,
      random.int(0, 4000),
      random.int(0, 900),
      random.chance(70) ? random.int(20, 40_000) : null,
      time,
    )
    if (random.chance(40)) addToolCall(db, random, { session: id, message, time })
  }
}

interface Call {
  readonly session: string
  readonly message: string
  readonly time: number
}

function addToolCall(db: AppDatabase, random: Generator, { session, message, time }: Call): void {
  const id = random.hex(16)
  const file = `src/${random.pick(['main', 'größe', 'index'])}.ts`
  const isFile = random.chance(40)
  db.run(
    'INSERT INTO tools VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
    id,
    session,
    message,
    random.pick(['bash', 'read', 'edit']),
    JSON.stringify({ path: file }),
    random.chance(90) ? random.sentence(8) : null,
    isFile ? file : null,
    random.chance(95) ? 1 : 0,
    time,
  )
  if (!isFile) return
  // The file's operation got the id of its tool call, now and then
  db.run(
    'INSERT INTO file_operations VALUES (?, ?, ?, ?, ?, ?, ?)',
    random.chance(50) ? id : random.hex(16),
    session,
    random.chance(80) ? message : null,
    random.pick(['read', 'write', 'delete']),
    file,
    random.chance(95) ? 1 : 0,
    time + 1,
  )
}
