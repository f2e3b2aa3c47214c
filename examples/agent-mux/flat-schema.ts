/** objects.db written down whole. Harmless on a database that has all of it already. */
export const flatSchema = `
CREATE TABLE IF NOT EXISTS db_client (oid VARCHAR(36) PRIMARY KEY, version INTEGER NOT NULL, data TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS db_window (oid VARCHAR(36) PRIMARY KEY, version INTEGER NOT NULL, data TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS db_workspace (oid VARCHAR(36) PRIMARY KEY, version INTEGER NOT NULL, data TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS db_tab (oid VARCHAR(36) PRIMARY KEY, version INTEGER NOT NULL, data TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS db_block (oid VARCHAR(36) PRIMARY KEY, version INTEGER NOT NULL, data TEXT NOT NULL);

CREATE TABLE IF NOT EXISTS db_agent_definitions (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  icon TEXT NOT NULL,
  provider TEXT NOT NULL,
  description TEXT NOT NULL DEFAULT '',
  created_at INTEGER NOT NULL,
  working_directory TEXT NOT NULL DEFAULT '',
  agent_type TEXT NOT NULL DEFAULT 'host'
);
CREATE TABLE IF NOT EXISTS db_agent_content (
  agent_id TEXT NOT NULL REFERENCES db_agent_definitions(id) ON DELETE CASCADE,
  content_type TEXT NOT NULL,
  content TEXT NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (agent_id, content_type)
);
CREATE TABLE IF NOT EXISTS db_agent_skills (
  id TEXT PRIMARY KEY,
  agent_id TEXT NOT NULL REFERENCES db_agent_definitions(id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  content TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS idx_agent_skills_agent ON db_agent_skills(agent_id);
CREATE TABLE IF NOT EXISTS db_agent_history (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  agent_id TEXT NOT NULL,
  session_date TEXT NOT NULL,
  entry TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS idx_agent_history_agent ON db_agent_history(agent_id, session_date);
CREATE TABLE IF NOT EXISTS db_agent_instances (
  id TEXT PRIMARY KEY,
  agent_id TEXT NOT NULL REFERENCES db_agent_definitions(id) ON DELETE CASCADE,
  block_id TEXT,
  started_at INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS idx_agent_instances_agent ON db_agent_instances(agent_id);

CREATE TABLE IF NOT EXISTS db_drone_definitions (id TEXT PRIMARY KEY, name TEXT NOT NULL, graph TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS db_drone_runs (id TEXT PRIMARY KEY, drone_id TEXT NOT NULL, status TEXT NOT NULL);

CREATE TABLE IF NOT EXISTS db_agent_identities (id TEXT PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS db_agent_memories (
  id TEXT PRIMARY KEY,
  identity_id TEXT REFERENCES db_agent_identities(id) ON DELETE SET NULL,
  body TEXT NOT NULL
);`
