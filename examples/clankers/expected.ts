import { join } from 'node:path'
import { readTables } from '../read-tables.js'
import type { PlainRow } from '../read-tables.js'

interface Content {
  readonly sessions: readonly PlainRow[]
  readonly messages: readonly PlainRow[]
  readonly tools: readonly PlainRow[]
  readonly sessionErrors: readonly PlainRow[]
  readonly compactionEvents: readonly PlainRow[]
  /** Names of tables and indexes, the marker's left out. */
  readonly schema: readonly string[]
}

const kept = {
  sessions: 'SELECT * FROM sessions ORDER BY id',
  messages: 'SELECT * FROM messages ORDER BY id',
  tools: 'SELECT * FROM tools ORDER BY id',
} as const

export function readContent(root: string): Content {
  const { schema, ...rows } = readTables(join(root, 'clankers.db'), {
    ...kept,
    sessionErrors: 'SELECT * FROM session_errors',
    compactionEvents: 'SELECT * FROM compaction_events',
    schema:
      "SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' AND name <> 'schema_migrations' ORDER BY name",
  })
  return { ...rows, schema: schema.map(({ name }) => String(name)) }
}

export function expectedContent(oldRoot: string): Content {
  const old = readTables(join(oldRoot, 'clankers.db'), { ...kept, operations: 'SELECT * FROM file_operations' })
  const merged = old.operations.map(({ operation, id, ...call }) => ({
    ...call,
    id: `file:${String(id)}`,
    tool_name: `file.${String(operation)}`,
    tool_input: null,
    tool_output: null,
  }))
  const tools: PlainRow[] = [...old.tools, ...merged]
  return {
    sessions: old.sessions.map((session) => ({
      ...session,
      source: 'opencode',
      status: 'ended',
      ended_at: session['updated_at'] ?? session['created_at'] ?? null,
      permission_mode: null,
      message_count: countOf(old.messages, session),
      tool_call_count: countOf(tools, session),
    })),
    messages: old.messages.map((message) => ({
      ...message,
      source: 'opencode',
      completed_at:
        message['duration_ms'] == null ? null : Number(message['created_at']) + Number(message['duration_ms']),
    })),
    tools: tools.toSorted((a, b) => (String(a['id']) < String(b['id']) ? -1 : 1)),
    sessionErrors: [],
    compactionEvents: [],
    schema: [
      'compaction_events',
      'idx_messages_session',
      'idx_tools_file',
      'idx_tools_name',
      'idx_tools_session',
      'messages',
      'session_errors',
      'sessions',
      'tools',
    ],
  }
}

function countOf(rows: readonly PlainRow[], session: PlainRow): number {
  return rows.filter((row) => row['session_id'] === session['id']).length
}
