import { defineState, sqlite } from 'moult'
import { adoptLegacyNames } from './adopt-legacy-names.js'
import { flatSchema } from './flat-schema.js'

/** Names of the chain that the flat schema replaced. Their places are never used again. */
const replaces = [
  'forge-1',
  'forge-2',
  'forge-3',
  'forge-4',
  'forge-5',
  'forge-6',
  'forge-7',
  'forge-8',
  'forge-9',
  'forge-10',
  'forge-11',
] as const

/**
 * A fresh database gets the flat schema. One from before moult (user_version 0) stands at the end of the old chain, and
 * the first step that is left gives it today's names. `user_version` is stamped for programs without moult.
 */
export const objects = sqlite('objects', { path: 'objects.db', userVersion: true, onNewer: 'refuse' })
  .flat(flatSchema, { replaces, lastIn: '0.32' })
  .step('agent-names', {
    description: 'Tables and indexes lose their old names; dead tables go',
    up: ({ db }) => adoptLegacyNames(db),
    down: 'impossible',
  })
  .step('updated-at', {
    up: `
      ALTER TABLE db_agent_definitions ADD COLUMN updated_at INTEGER;
      UPDATE db_agent_definitions SET updated_at = created_at;`,
    down: 'ALTER TABLE db_agent_definitions DROP COLUMN updated_at',
    additive: true,
  })
  .step('user-hidden', {
    up: 'ALTER TABLE db_agent_definitions ADD COLUMN user_hidden INTEGER NOT NULL DEFAULT 0',
    down: 'ALTER TABLE db_agent_definitions DROP COLUMN user_hidden',
    additive: true,
  })
  .step('agents', {
    description: 'Definitions and instances become one table; until a later release both are written',
    up: `
      CREATE TABLE db_agents (
        id TEXT PRIMARY KEY,
        definition_id TEXT REFERENCES db_agents(id) ON DELETE CASCADE,
        name TEXT,
        block_id TEXT,
        created_at INTEGER NOT NULL
      );
      INSERT INTO db_agents SELECT id, NULL, name, NULL, created_at FROM db_agent_definitions;
      INSERT INTO db_agents SELECT id, agent_id, NULL, block_id, started_at FROM db_agent_instances;`,
    validate: ({ db }) =>
      db.number('SELECT count(*) FROM db_agents') ===
        db.number('SELECT count(*) FROM db_agent_definitions') + db.number('SELECT count(*) FROM db_agent_instances') ||
      'db_agents does not hold every definition and instance',
    down: 'DROP TABLE db_agents',
    additive: true,
  })
  .adopt({ at: 'forge-11' })

/** Nothing has ever changed here, so data from before moult stands after the one step. */
export const files = sqlite('filestore', { path: 'filestore.db', userVersion: true, onNewer: 'refuse' })
  .step('baseline', {
    up: `
      CREATE TABLE db_wave_file (
        zoneid VARCHAR(36) NOT NULL,
        name VARCHAR(200) NOT NULL,
        size BIGINT NOT NULL,
        createdts BIGINT NOT NULL,
        modts BIGINT NOT NULL,
        opts TEXT NOT NULL,
        meta TEXT NOT NULL,
        PRIMARY KEY (zoneid, name)
      );
      CREATE TABLE db_file_data (
        zoneid VARCHAR(36) NOT NULL,
        name VARCHAR(200) NOT NULL,
        partidx INTEGER NOT NULL,
        data BLOB NOT NULL,
        PRIMARY KEY (zoneid, name, partidx)
      );`,
  })
  .adopt({ at: 'baseline' })

export const sagas = sqlite('sagas', { path: 'sagas.db', userVersion: true, onNewer: 'refuse' })
  .step('baseline', {
    up: `
      CREATE TABLE saga (id TEXT PRIMARY KEY, kind TEXT NOT NULL, state INTEGER NOT NULL, started_at INTEGER NOT NULL);
      CREATE TABLE saga_step (
        saga_id TEXT NOT NULL REFERENCES saga(id) ON DELETE CASCADE,
        idx INTEGER NOT NULL,
        name TEXT NOT NULL,
        compensated INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (saga_id, idx)
      );
      CREATE INDEX idx_saga_state ON saga(state);`,
  })
  .step('state-names', {
    description: 'A state is a word, not a number',
    up: `
      DROP INDEX idx_saga_state;
      ALTER TABLE saga RENAME COLUMN state TO code;
      ALTER TABLE saga ADD COLUMN state TEXT NOT NULL DEFAULT 'running';
      UPDATE saga SET state = CASE code WHEN 0 THEN 'running' WHEN 1 THEN 'done' WHEN 2 THEN 'compensating' ELSE 'failed' END;
      ALTER TABLE saga DROP COLUMN code;
      CREATE INDEX idx_saga_state ON saga(state);`,
    validate: ({ db }) => !db.columnExists('saga', 'code') || 'saga.code is still there',
    down: 'impossible',
  })
  .adopt({ at: 'baseline' })

export const state = defineState({ app: 'agentmux', appVersion: '0.33.4', stores: [objects, files, sagas] })
