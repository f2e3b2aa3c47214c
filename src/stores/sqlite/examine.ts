import { commitTable } from '../../drivers/commit-record.js'
import type { Found, Place } from '../../model/store.js'
import { isMarkerTable, parseMarkerRows } from './marker-table.js'
import { ownerOfTable } from './foreign-marker.js'
import { peek } from './peek.js'
import type { SqliteOwn } from './sqlite.js'

/** What a database says of its version, read without SQLite: no lock, no driver, no byte changed (protocol 3). */
export async function examineDatabase(place: Place): Promise<Found> {
  const { table, userVersion, adoptUserVersion } = place.spec.own as SqliteOwn
  const seen = await peek(place.path, [table, commitTable])
  switch (seen.state) {
    case 'absent':
      return { is: 'nothing', exists: false }
    case 'empty':
      return { is: 'nothing', exists: true }
    case 'busy':
      return { is: 'busy' }
    case 'unreadable':
      return { is: 'unreadable', code: 'STORE_UNREADABLE', reason: seen.reason, hint: 'Bring this file back from a copy. Nothing was changed.' }
    case 'database':
      break
  }
  const marker = seen.schema.find((object) => object.type === 'table' && object.name.toLowerCase() === table.toLowerCase())
  if (!marker) {
    if (seen.schema.length === 0) return { is: 'nothing', exists: true }
    if (adoptUserVersion === null || seen.userVersion === adoptUserVersion) return { is: 'data' }
    return { is: 'data', adopt: { refusedBecause: `its user_version is ${seen.userVersion}, not ${adoptUserVersion}` } }
  }
  const rows = seen.tables[table]
  const names = rows?.columns ?? []
  if (!rows || !isMarkerTable(names)) {
    return {
      is: 'unreadable',
      code: 'MARKER_UNREADABLE',
      reason: `its table '${marker.name}' is not moult's${ownerOfTable(marker.name, names)}`,
      hint: `Give moult's marker another name: sqlite('${place.spec.name}', { table: … }).`,
    }
  }
  const parsed = parseMarkerRows(place.spec.name, rows.rows, seen.tables[commitTable]?.rows ?? [])
  if ('reason' in parsed) return { is: 'unreadable', code: 'MARKER_UNREADABLE', reason: parsed.reason, hint: 'Bring this database back from a copy.' }
  const version = parsed.marker.entries.filter((entry) => entry.track === '').length
  if (userVersion && seen.userVersion !== version) {
    return {
      is: 'unreadable',
      code: 'MARKER_UNREADABLE',
      reason: `its user_version is ${seen.userVersion}, but its marker says ${version}`,
      hint: 'A program without moult has changed it. Find out which, then bring this database back from a copy.',
    }
  }
  return { is: 'marked', marker: parsed.marker }
}
