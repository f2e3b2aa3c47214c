import { commitTable } from '../../drivers/commit-record.js'
import { systemCode } from '../../model/errors.js'
import type { Found, Place } from '../../model/store.js'
import { isMarkerTable, parseMarkerRows } from './marker-table.js'
import { ownerOfTable } from './foreign-marker.js'
import { isSameName } from './identifier.js'
import { peek } from './peek.js'
import type { Peek } from './peeked.js'
import type { SqliteOwn } from './own.js'

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
      return explainUnreadable(seen)
    case 'database':
      break
  }
  const commits = seen.tables[commitTable]
  if (commits && !['id', 'by'].every((column) => commits.columns.includes(column))) {
    return {
      is: 'unreadable',
      code: 'MARKER_UNREADABLE',
      reason: `its table '${commitTable}' is not moult's`,
      hint: `Give that table another name; '${commitTable}' is where moult notes commits of several stores.`,
    }
  }
  const marker = seen.schema.find((object) => object.type === 'table' && isSameName(object.name, table))
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
  const parsed = parseMarkerRows(place.spec.name, rows.rows, commits?.rows ?? [])
  if ('reason' in parsed)
    return {
      is: 'unreadable',
      code: 'MARKER_UNREADABLE',
      reason: parsed.reason,
      hint: 'Bring this database back from a copy.',
      damaged: parsed.damaged,
    }
  const version = parsed.marker.entries.filter((entry) => entry.track === '').length
  // 0: not stamped yet, because the option came later than the marker, or a dump was read back. The next step stamps it
  if (userVersion !== null && seen.userVersion !== 0 && seen.userVersion !== version + userVersion) {
    return {
      is: 'unreadable',
      code: 'MARKER_UNREADABLE',
      reason: `its user_version is ${seen.userVersion}, but its marker says ${version + userVersion}`,
      hint: `A program without moult has changed it, or the option \`userVersion\` was off for some releases. Find out which: bring this database back from a copy, or, if nothing else was changed, set it with PRAGMA user_version = ${version + userVersion}.`,
      damaged: true,
    }
  }
  return { is: 'marked', marker: parsed.marker }
}

const hints = {
  'no-magic':
    'If another program keeps this file, the path is wrong; if it is encrypted, moult cannot read it; if it was overwritten, bring it back from a copy.',
  malformed: 'Bring this database back from a copy.',
  unsupported: "If the table belongs to another tool, give moult's marker another name with the option `table`.",
  sidecar: 'The database and its -wal or -journal do not belong together: bring back both from the same copy.',
  disk: 'Look at the disk and the rights of this user.',
} as const

function explainUnreadable({ why, reason, cause }: Extract<Peek, { readonly state: 'unreadable' }>): Found {
  const isDenied = ['EACCES', 'EPERM'].includes(systemCode(cause))
  if (isDenied)
    return {
      is: 'unreadable',
      code: 'NO_PERMISSION',
      reason,
      hint: 'Start the program as the user that the state belongs to.',
    }
  const code = why === 'unsupported' ? 'MARKER_UNREADABLE' : 'STORE_UNREADABLE'
  return { is: 'unreadable', code, reason, hint: hints[why] }
}
