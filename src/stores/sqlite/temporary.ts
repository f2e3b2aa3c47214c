import type { Connection } from '../../drivers/driver.js'
import { quoteName } from './identifier.js'

/**
 * Drops everything in the connection's temporary database. Steps of one run share a connection: without this a step
 * would meet the temporary tables, views and triggers of the one before it, or not, depending on what else was pending.
 */
export function dropTemporary(connection: Connection): void {
  // Views before triggers before tables; a virtual table stands before the tables it keeps its content in.
  const list =
    "SELECT type, name FROM temp.sqlite_schema WHERE type <> 'index' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
  for (const { type, name } of connection.prepare(`${list} ORDER BY type DESC, rowid`).all([])) {
    connection.exec(`DROP ${String(type)} IF EXISTS temp.${quoteName(String(name))}`)
  }
}
