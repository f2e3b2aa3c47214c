import type { Connection, Statement } from '../../drivers/driver.js'
import { quoteName } from './identifier.js'

/** Asked after each step, so it is compiled once. */
const lists = new WeakMap<Connection, Statement>()

/**
 * Drops everything in the connection's temporary database. Steps of one run share a connection: without this a step
 * would meet the temporary tables, views and triggers of the one before it, or not, depending on what else was pending.
 */
export function dropTemporary(connection: Connection): void {
  const list = lists.get(connection) ?? connection.prepare(temporaryObjects)
  lists.set(connection, list)
  for (const { type, name } of list.all([])) {
    connection.exec(`DROP ${String(type)} IF EXISTS temp.${quoteName(String(name))}`)
  }
}

/** Views before triggers before tables; a virtual table stands before the tables it keeps its content in. */
const temporaryObjects =
  "SELECT type, name FROM temp.sqlite_schema WHERE type <> 'index' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY type DESC, rowid"
