/** The tables of Agent OS 1.1.0, as its own migrations left them. */
export const conversations = `
CREATE TABLE conversations (
  id TEXT PRIMARY KEY,
  title TEXT NOT NULL,
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL,
  model TEXT,
  is_archived INTEGER NOT NULL DEFAULT 0,
  metadata TEXT
);
CREATE TABLE messages (
  id TEXT PRIMARY KEY,
  conversation_id TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('user', 'assistant', 'system', 'tool')),
  content TEXT NOT NULL,
  timestamp TEXT NOT NULL,
  tokens_used INTEGER,
  metadata TEXT,
  FOREIGN KEY (conversation_id) REFERENCES conversations(id) ON DELETE CASCADE
);
CREATE INDEX idx_messages_conversation ON messages(conversation_id, timestamp);
-- The index holds no text of its own: it points at messages by their implicit rowid
CREATE VIRTUAL TABLE messages_fts USING fts5(content, content='messages', content_rowid='rowid');
CREATE TRIGGER messages_ai AFTER INSERT ON messages BEGIN
  INSERT INTO messages_fts(rowid, content) VALUES (new.rowid, new.content);
END;
CREATE TRIGGER messages_ad AFTER DELETE ON messages BEGIN
  INSERT INTO messages_fts(messages_fts, rowid, content) VALUES ('delete', old.rowid, old.content);
END;
CREATE TRIGGER messages_au AFTER UPDATE ON messages BEGIN
  INSERT INTO messages_fts(messages_fts, rowid, content) VALUES ('delete', old.rowid, old.content);
  INSERT INTO messages_fts(rowid, content) VALUES (new.rowid, new.content);
END;
CREATE TABLE schema_version (
  id INTEGER PRIMARY KEY,
  version TEXT NOT NULL,
  migration_version TEXT NOT NULL,
  applied_at TEXT NOT NULL,
  description TEXT
);`

export const intentLog = `
CREATE TABLE intent_log (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  timestamp TEXT NOT NULL,
  intent_type TEXT NOT NULL,
  user_id TEXT NOT NULL,
  details TEXT NOT NULL,
  previous_hash TEXT NOT NULL,
  entry_hash TEXT NOT NULL UNIQUE
);
CREATE TRIGGER intent_log_no_update BEFORE UPDATE ON intent_log BEGIN
  SELECT RAISE(ABORT, 'the intent log is append-only');
END;
CREATE TRIGGER intent_log_no_delete BEFORE DELETE ON intent_log BEGIN
  SELECT RAISE(ABORT, 'the intent log is append-only');
END;`

export const users = `
CREATE TABLE users (
  id TEXT PRIMARY KEY,
  username TEXT NOT NULL UNIQUE,
  password_hash TEXT NOT NULL,
  role TEXT NOT NULL,
  created_at TEXT NOT NULL
);`

export const memory = `
CREATE TABLE memories (
  id TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  blob_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  created_at TEXT NOT NULL
);
CREATE TABLE consent_records (
  id INTEGER PRIMARY KEY,
  memory_id TEXT NOT NULL REFERENCES memories(id) ON DELETE CASCADE,
  granted_by TEXT NOT NULL,
  purpose TEXT NOT NULL,
  granted_at TEXT NOT NULL
);`

export const vaultIndex = `
CREATE TABLE blobs (
  blob_id TEXT PRIMARY KEY,
  key_id TEXT NOT NULL,
  size INTEGER NOT NULL,
  chunk_count INTEGER NOT NULL,
  created_at TEXT NOT NULL
);`

export const migrations = `
CREATE TABLE migration_history (
  version TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  applied_at TEXT NOT NULL,
  checksum TEXT NOT NULL,
  success INTEGER NOT NULL,
  execution_time_ms REAL NOT NULL,
  error_message TEXT
);`
