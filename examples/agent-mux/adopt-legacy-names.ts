import type { DbWriter } from 'moult'
import { flatSchema } from './flat-schema.js'

/** Old names with the columns they must have, and what they are called since. */
const renames = [
  {
    from: 'db_forge_agents',
    to: 'db_agent_definitions',
    columns: 'id name icon provider description created_at working_directory agent_type',
  },
  { from: 'db_forge_content', to: 'db_agent_content', columns: 'agent_id content_type content updated_at' },
  { from: 'db_forge_skills', to: 'db_agent_skills', columns: 'id agent_id name content' },
  { from: 'db_forge_history', to: 'db_agent_history', columns: 'id agent_id session_date entry' },
  { from: 'db_forge_instances', to: 'db_agent_instances', columns: 'id agent_id block_id started_at' },
  { from: 'db_identities', to: 'db_agent_identities', columns: 'id name kind' },
  { from: 'db_memories', to: 'db_agent_memories', columns: 'id identity_id body' },
]

/** ALTER TABLE … RENAME leaves indexes under their old names; the flat schema makes them anew under the new ones. */
const staleIndexes = ['idx_forge_skills_agent', 'idx_forge_history_agent', 'idx_forge_instances_agent']

/** Copied to db_drone_* by the old chain's tenth migration. */
const deadTables = ['db_workflow_runs', 'db_workflow_definitions', 'db_sentinel']

/** Gives a database of the old chain today's names. Does nothing to one that is fresh or flat already. */
export function adoptLegacyNames(db: DbWriter): void {
  const found = renames.filter(({ from }) => db.tableExists(from))
  for (const { from, to, columns } of found) {
    const actual = db.columns(from).map(({ name }) => name)
    if (actual.join(' ') !== columns)
      throw new Error(`${from} has the columns ${actual.join(', ')}, which no release made`)
    // A newer program that was started on this database once made its own tables beside the old ones
    if (db.tableExists(to) && db.number(`SELECT count(*) FROM ${to}`) > 0)
      throw new Error(`${from} and ${to} both have rows; which of them count is not for a program to say`)
  }
  keepWorkflows(db)
  for (const { to } of found) db.exec(`DROP TABLE IF EXISTS ${to}`)
  for (const { from, to } of found) db.exec(`ALTER TABLE ${from} RENAME TO ${to}`)
  for (const index of staleIndexes) db.exec(`DROP INDEX IF EXISTS ${index}`)
  for (const table of deadTables) db.exec(`DROP TABLE IF EXISTS ${table}`)
  db.exec(flatSchema)
}

/** The dead tables are dropped only when nothing stands in them alone. */
function keepWorkflows(db: DbWriter): void {
  if (!db.tableExists('db_workflow_definitions')) return
  const lost = db.number(
    'SELECT count(*) FROM db_workflow_definitions WHERE id NOT IN (SELECT id FROM db_drone_definitions)',
  )
  if (lost > 0) throw new Error(`${lost} rows of db_workflow_definitions were never copied to db_drone_definitions`)
}
