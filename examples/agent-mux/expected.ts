import { join } from 'node:path'
import { readTables } from '../read-tables.js'
import type { PlainRow } from '../read-tables.js'

type Tables = Readonly<Record<string, readonly PlainRow[]>>

interface Content {
  readonly objects: Tables
  /** Where the next id of the history comes from; a lower one would be used twice. */
  readonly lastHistoryId: unknown
  readonly filestore: Tables
  readonly sagas: Tables
}

const names: Readonly<Record<string, string>> = {
  db_forge_agents: 'db_agent_definitions',
  db_forge_content: 'db_agent_content',
  db_forge_skills: 'db_agent_skills',
  db_forge_history: 'db_agent_history',
  db_forge_instances: 'db_agent_instances',
  db_identities: 'db_agent_identities',
  db_memories: 'db_agent_memories',
}
const dropped = ['db_workflow_definitions', 'db_workflow_runs', 'db_sentinel']

export function readContent(root: string): Content {
  const { rows } = readTables(join(root, 'objects.db'), {
    rows: "SELECT seq FROM sqlite_sequence WHERE name IN ('db_forge_history', 'db_agent_history')",
  })
  return {
    objects: readAll(join(root, 'objects.db')),
    lastHistoryId: rows,
    filestore: readAll(join(root, 'filestore.db')),
    sagas: readAll(join(root, 'sagas.db')),
  }
}

/** Every table but moult's and SQLite's own, whole. */
function readAll(path: string): Tables {
  const { tables } = readTables(path, {
    tables:
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'moult_%'",
  })
  const rows = readTables(
    path,
    Object.fromEntries(tables.map(({ name }) => [String(name), `SELECT * FROM "${String(name)}"`])),
  )
  return Object.fromEntries(Object.entries(rows).map(([name, list]) => [name, sorted(list)]))
}

/** By their content, since no order is promised. */
function sorted(rows: readonly PlainRow[]): readonly PlainRow[] {
  const keyOf = (row: PlainRow): string => JSON.stringify(row, Object.keys(row).toSorted(byText))
  return rows.toSorted((a, b) => byText(keyOf(a), keyOf(b)))
}

function byText(a: string, b: string): number {
  return a < b ? -1 : 1
}

export function expectedContent(oldRoot: string): Content {
  const old = readContent(oldRoot)
  const kept = Object.entries(old.objects).filter(([name]) => !dropped.includes(name))
  const { db_forge_agents: agents = [], db_forge_instances: instances = [] } = old.objects
  const merged: PlainRow[] = [
    ...agents.map((row) => agentRow(row, { name: row['name'] ?? null, created_at: row['created_at'] ?? null })),
    ...instances.map((row) =>
      agentRow(row, {
        definition_id: row['agent_id'] ?? null,
        block_id: row['block_id'] ?? null,
        created_at: row['started_at'] ?? null,
      }),
    ),
  ]
  return {
    ...old,
    objects: {
      ...Object.fromEntries(kept.map(([name, rows]) => [names[name] ?? name, rows])),
      db_agent_definitions: sorted(
        agents.map((row) => ({ ...row, updated_at: row['created_at'] ?? null, user_hidden: 0 })),
      ),
      db_agents: sorted(merged),
    },
    sagas: {
      ...old.sagas,
      saga: sorted(
        (old.sagas['saga'] ?? []).map((row) => ({
          ...row,
          state: ['running', 'done', 'compensating'][Number(row['state'])] ?? 'failed',
        })),
      ),
    },
  }
}

function agentRow({ id }: PlainRow, values: PlainRow): PlainRow {
  return { id: id ?? null, definition_id: null, name: null, block_id: null, ...values }
}
