import { commitTable, recordCommit } from '../../drivers/commit-record.js'
import type { Connection } from '../../model/driver.js'
import type { Marker, MarkerEntry } from '../../model/marker.js'
import { quoteName } from './identifier.js'
import { createMarkerTable, entryReplacer, parseMarkerRows, tableExists } from './marker-table.js'

/**
 * Puts what `change` makes of a database's marker in its place, in the open transaction. Where the rows cannot be
 * believed, `change` is given an empty marker, and none of them stays.
 */
export function replaceMarker(
  connection: Connection,
  { store, table }: { readonly store: string; readonly table: string },
  change: (marker: Marker) => Marker,
): void {
  createMarkerTable(connection, table)
  const before = readMarker(connection, store, table)
  const after = change(before ?? { store, entries: [], touches: [], left: [] })
  if (before === null) connection.exec(`DELETE FROM ${quoteName(table)}`)
  const stays = new Set(after.entries.map(keyOf))
  const remove = connection.prepare(`DELETE FROM ${quoteName(table)} WHERE track = ? AND version = ?`)
  for (const entry of before?.entries ?? []) if (!stays.has(keyOf(entry))) remove.run([entry.track, entry.place])
  const replace = entryReplacer(connection, table)
  for (const entry of after.entries) replace(entry)
  // Rows without `by` are this database's own commits: recovery asks for them
  if (tableExists(connection, commitTable)) connection.exec(`DELETE FROM ${commitTable} WHERE by IS NOT NULL`)
  for (const { commit, by } of after.touches) recordCommit(connection, commit, by)
}

function readMarker(connection: Connection, store: string, table: string): Marker | null {
  const rows = connection.prepare(`SELECT * FROM ${quoteName(table)}`).all([])
  const commits = tableExists(connection, commitTable)
    ? connection.prepare(`SELECT id, by FROM ${commitTable}`).all([])
    : []
  const parsed = parseMarkerRows(store, rows, commits)
  return 'marker' in parsed ? parsed.marker : null
}

function keyOf({ track, place }: Pick<MarkerEntry, 'track' | 'place'>): string {
  return `${place} ${track}`
}
