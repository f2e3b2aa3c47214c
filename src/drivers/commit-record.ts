import type { Connection } from '../model/driver.js'

/**
 * Which commits of several stores a database took part in: a random id for each, written in the same transaction as
 * the data. Recovery asks for the id, and other stores' markers name it.
 */
export const commitTable = 'moult_commit'

function createCommitTable(connection: Connection): void {
  connection.exec(`CREATE TABLE IF NOT EXISTS ${commitTable}(id TEXT NOT NULL, by TEXT)`)
}

/** `by` is the step of another store that wrote here, or null for this database's own part. */
export function recordCommit(connection: Connection, id: string, by: string | null): void {
  createCommitTable(connection)
  connection.prepare(`INSERT INTO ${commitTable}(id, by) VALUES (?, ?)`).run([id, by])
}

/** The other store's step was undone: its line goes in the same transaction. */
export function forgetCommit(connection: Connection, id: string, by: string): void {
  connection.prepare(`DELETE FROM ${commitTable} WHERE id = ? AND by = ?`).run([id, by])
}

/** Whether this database took part in the commit with this id. */
export function hasCommit(connection: Connection, id: string): boolean {
  const table = connection.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?").get([commitTable])
  return table !== undefined && connection.prepare(`SELECT 1 FROM ${commitTable} WHERE id = ?`).get([id]) !== undefined
}
