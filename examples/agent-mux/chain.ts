/**
 * The eleven migrations of objects.db that AgentMux 0.32 still ran one after the other at every start. Today's release
 * has only their names; this is how old data came to look as it does.
 */
export const chain = [
  {
    name: 'forge-1',
    sql: `
CREATE TABLE IF NOT EXISTS db_client (oid VARCHAR(36) PRIMARY KEY, version INTEGER NOT NULL, data TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS db_window (oid VARCHAR(36) PRIMARY KEY, version INTEGER NOT NULL, data TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS db_workspace (oid VARCHAR(36) PRIMARY KEY, version INTEGER NOT NULL, data TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS db_tab (oid VARCHAR(36) PRIMARY KEY, version INTEGER NOT NULL, data TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS db_block (oid VARCHAR(36) PRIMARY KEY, version INTEGER NOT NULL, data TEXT NOT NULL);`,
  },
  {
    name: 'forge-2',
    sql: `
CREATE TABLE db_forge_agents (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  icon TEXT NOT NULL,
  provider TEXT NOT NULL,
  description TEXT NOT NULL DEFAULT '',
  created_at INTEGER NOT NULL
);`,
  },
  {
    name: 'forge-3',
    sql: `
CREATE TABLE db_forge_content (
  agent_id TEXT NOT NULL REFERENCES db_forge_agents(id) ON DELETE CASCADE,
  content_type TEXT NOT NULL,
  content TEXT NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (agent_id, content_type)
);`,
  },
  { name: 'forge-4', sql: `ALTER TABLE db_forge_agents ADD COLUMN working_directory TEXT NOT NULL DEFAULT '';` },
  {
    name: 'forge-5',
    sql: `
CREATE TABLE db_forge_skills (
  id TEXT PRIMARY KEY,
  agent_id TEXT NOT NULL REFERENCES db_forge_agents(id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  content TEXT NOT NULL
);
CREATE INDEX idx_forge_skills_agent ON db_forge_skills(agent_id);`,
  },
  {
    name: 'forge-6',
    sql: `
CREATE TABLE db_forge_history (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  agent_id TEXT NOT NULL,
  session_date TEXT NOT NULL,
  entry TEXT NOT NULL
);
CREATE INDEX idx_forge_history_agent ON db_forge_history(agent_id, session_date);`,
  },
  {
    name: 'forge-7',
    sql: `
CREATE TABLE db_workflow_definitions (id TEXT PRIMARY KEY, name TEXT NOT NULL, graph TEXT NOT NULL);
CREATE TABLE db_workflow_runs (id TEXT PRIMARY KEY, workflow_id TEXT NOT NULL, status TEXT NOT NULL);`,
  },
  {
    name: 'forge-8',
    sql: `
ALTER TABLE db_forge_agents ADD COLUMN agent_type TEXT NOT NULL DEFAULT 'host';
CREATE TABLE db_forge_instances (
  id TEXT PRIMARY KEY,
  agent_id TEXT NOT NULL REFERENCES db_forge_agents(id) ON DELETE CASCADE,
  block_id TEXT,
  started_at INTEGER NOT NULL
);
CREATE INDEX idx_forge_instances_agent ON db_forge_instances(agent_id);`,
  },
  { name: 'forge-9', sql: 'CREATE TABLE db_sentinel (id INTEGER PRIMARY KEY, beat INTEGER NOT NULL);' },
  {
    name: 'forge-10',
    sql: `
CREATE TABLE db_drone_definitions (id TEXT PRIMARY KEY, name TEXT NOT NULL, graph TEXT NOT NULL);
CREATE TABLE db_drone_runs (id TEXT PRIMARY KEY, drone_id TEXT NOT NULL, status TEXT NOT NULL);
INSERT INTO db_drone_definitions SELECT id, name, graph FROM db_workflow_definitions;
INSERT INTO db_drone_runs SELECT id, workflow_id, status FROM db_workflow_runs;`,
  },
  {
    name: 'forge-11',
    sql: `
CREATE TABLE db_identities (id TEXT PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL);
CREATE TABLE db_memories (
  id TEXT PRIMARY KEY,
  identity_id TEXT REFERENCES db_identities(id) ON DELETE SET NULL,
  body TEXT NOT NULL
);`,
  },
] as const
