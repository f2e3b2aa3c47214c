import { defineState, sqlite } from 'moult'

/**
 * The daemon's one database. Steps are SQL text, with a way back where there is one. The first three are what releases
 * before moult created, so a database of theirs stands after the third; a fresh one walks through all of them.
 */
export const clankers = sqlite('clankers', { path: 'clankers.db', table: 'schema_migrations', onNewer: 'refuse' })
  .step('base', {
    description: 'Sessions and messages',
    up: `
      CREATE TABLE sessions (
        id TEXT PRIMARY KEY,
        title TEXT,
        project_path TEXT,
        project_name TEXT,
        provider TEXT,
        model TEXT,
        prompt_tokens INTEGER DEFAULT 0,
        completion_tokens INTEGER DEFAULT 0,
        cost REAL DEFAULT 0,
        created_at INTEGER NOT NULL,
        updated_at INTEGER
      );
      CREATE TABLE messages (
        id TEXT PRIMARY KEY,
        session_id TEXT NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
        role TEXT NOT NULL,
        text_content TEXT NOT NULL,
        model TEXT,
        prompt_tokens INTEGER,
        completion_tokens INTEGER,
        duration_ms INTEGER,
        created_at INTEGER NOT NULL
      );
      CREATE INDEX idx_messages_session ON messages(session_id, created_at);`,
    down: 'DROP TABLE messages; DROP TABLE sessions',
  })
  .step('tools', {
    description: 'Add tools table',
    up: `
      CREATE TABLE tools (
        id TEXT PRIMARY KEY,
        session_id TEXT NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
        message_id TEXT,
        tool_name TEXT NOT NULL,
        tool_input TEXT,
        tool_output TEXT,
        file_path TEXT,
        success INTEGER NOT NULL DEFAULT 1,
        created_at INTEGER NOT NULL
      );
      CREATE INDEX idx_tools_session ON tools(session_id);
      CREATE INDEX idx_tools_name ON tools(tool_name);
      CREATE INDEX idx_tools_file ON tools(file_path) WHERE file_path IS NOT NULL;`,
    down: 'DROP TABLE tools',
    additive: true,
  })
  .step('file-operations', {
    description: 'Add file_operations table',
    up: `
      CREATE TABLE file_operations (
        id TEXT PRIMARY KEY,
        session_id TEXT NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
        message_id TEXT,
        operation TEXT NOT NULL,
        file_path TEXT NOT NULL,
        success INTEGER NOT NULL DEFAULT 1,
        created_at INTEGER NOT NULL
      );`,
    down: 'DROP TABLE file_operations',
    additive: true,
  })
  .step('source', {
    description: 'Which client a session came from; there was only one so far',
    up: `
      ALTER TABLE sessions ADD COLUMN source TEXT NOT NULL DEFAULT 'opencode';
      ALTER TABLE messages ADD COLUMN source TEXT NOT NULL DEFAULT 'opencode';`,
    down: 'ALTER TABLE messages DROP COLUMN source; ALTER TABLE sessions DROP COLUMN source',
    additive: true,
  })
  .step('status', {
    description: 'Sessions end; old daemons wrote only those that had',
    up: `
      ALTER TABLE sessions ADD COLUMN status TEXT NOT NULL DEFAULT 'active';
      ALTER TABLE sessions ADD COLUMN ended_at INTEGER;
      ALTER TABLE messages ADD COLUMN completed_at INTEGER;
      UPDATE sessions SET status = 'ended', ended_at = coalesce(updated_at, created_at);
      UPDATE messages SET completed_at = created_at + duration_ms WHERE duration_ms IS NOT NULL;`,
    down: `
      ALTER TABLE messages DROP COLUMN completed_at;
      ALTER TABLE sessions DROP COLUMN ended_at;
      ALTER TABLE sessions DROP COLUMN status;`,
  })
  .step('permission-mode', {
    up: 'ALTER TABLE sessions ADD COLUMN permission_mode TEXT',
    down: 'ALTER TABLE sessions DROP COLUMN permission_mode',
    additive: true,
  })
  .step('session-errors', {
    up: `
      CREATE TABLE session_errors (
        id INTEGER PRIMARY KEY,
        session_id TEXT NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
        error_type TEXT NOT NULL,
        message TEXT,
        created_at INTEGER NOT NULL
      );`,
    down: 'DROP TABLE session_errors',
    additive: true,
  })
  .step('compaction-events', {
    up: `
      CREATE TABLE compaction_events (
        id INTEGER PRIMARY KEY,
        session_id TEXT NOT NULL REFERENCES sessions(id) ON DELETE CASCADE,
        tokens_before INTEGER,
        tokens_after INTEGER,
        created_at INTEGER NOT NULL
      );`,
    down: 'DROP TABLE compaction_events',
    additive: true,
  })
  .step('merge-file-operations', {
    description: 'A file operation is a tool call like any other',
    // Both tables made their ids by themselves, so those of one may stand in the other
    up: `
      INSERT INTO tools(id, session_id, message_id, tool_name, file_path, success, created_at)
        SELECT 'file:' || id, session_id, message_id, 'file.' || operation, file_path, success, created_at
        FROM file_operations;
      DROP TABLE file_operations;`,
    down: 'impossible',
  })
  .step('session-totals', {
    up: `
      ALTER TABLE sessions ADD COLUMN message_count INTEGER NOT NULL DEFAULT 0;
      ALTER TABLE sessions ADD COLUMN tool_call_count INTEGER NOT NULL DEFAULT 0;
      UPDATE sessions SET
        message_count = (SELECT count(*) FROM messages WHERE session_id = sessions.id),
        tool_call_count = (SELECT count(*) FROM tools WHERE session_id = sessions.id);`,
    down: 'ALTER TABLE sessions DROP COLUMN tool_call_count; ALTER TABLE sessions DROP COLUMN message_count',
    additive: true,
  })
  .adopt({ at: 'file-operations' })

export const state = defineState({ app: 'clankers', appVersion: '0.9.0', stores: [clankers] })
