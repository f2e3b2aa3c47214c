import type { Connection, Row, SqlValue } from '../../model/driver.js'
import { hasGaps } from '../../model/marker.js'
import { isEntry } from '../../model/marker-file.js'
import type { Marker, MarkerEntry, Touch } from '../../model/marker.js'
import type { ParsedMarker } from '../../model/marker-file.js'
import { quoteName } from './identifier.js'

const columns = [
  'version',
  'applied_at',
  'checksum',
  'description',
  'track',
  'name',
  'additive',
  'app_version',
  'arrival',
  'commit_id',
  'wrote',
] as const
const written = [...columns, 'note']

/** The marker: a row for each applied step, written in the step's own transaction. */
export function createMarkerTable(connection: Connection, table: string): void {
  connection.exec(
    `CREATE TABLE IF NOT EXISTS ${quoteName(table)}(
  version INTEGER NOT NULL,
  applied_at INTEGER NOT NULL,
  checksum TEXT,
  description TEXT,
  track TEXT NOT NULL DEFAULT '',
  name TEXT NOT NULL,
  additive INTEGER NOT NULL,
  app_version TEXT,
  arrival TEXT NOT NULL,
  commit_id TEXT,
  wrote TEXT NOT NULL DEFAULT '',
  note TEXT,
  PRIMARY KEY(track, version)
)`,
  )
  const { n } =
    connection.prepare(`SELECT count(*) AS n FROM pragma_table_info(?) WHERE name = 'note'`).get([table]) ?? {}
  // Made before there were notes
  if (n === 0) connection.exec(`ALTER TABLE ${quoteName(table)} ADD COLUMN note TEXT`)
}

/** Whether there is a table of this name, compared as SQLite does. */
export function tableExists(connection: Connection, table: string): boolean {
  const sql = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND lower(name) = lower(?)"
  return connection.prepare(sql).get([table]) !== undefined
}

/** Adds and removes rows of the marker table. */
export interface MarkerWriter {
  readonly write: (entry: MarkerEntry) => void
  readonly remove: (entry: MarkerEntry) => void
}

/** Its statement for new rows is prepared once for a whole run. */
export function openMarkerTable(connection: Connection, table: string): MarkerWriter {
  const statement = connection.prepare(insertInto(table))
  return {
    write: (entry) => void statement.run(cellsOf(entry)),
    remove: ({ track, place }) =>
      void connection.prepare(`DELETE FROM ${quoteName(table)} WHERE track = ? AND version = ?`).run([track, place]),
  }
}

/** Adds rows, and changes the row that is there for a place; columns that are not moult's keep what they hold. */
export function entryReplacer(connection: Connection, table: string): (entry: MarkerEntry) => void {
  const changes = written.map((column) => `${column} = excluded.${column}`).join(', ')
  const statement = connection.prepare(`${insertInto(table)} ON CONFLICT(track, version) DO UPDATE SET ${changes}`)
  return (entry) => void statement.run(cellsOf(entry))
}

function insertInto(table: string): string {
  return `INSERT INTO ${quoteName(table)}(${written.join(', ')}) VALUES (${written.map(() => '?').join(', ')})`
}

function cellsOf(entry: MarkerEntry): SqlValue[] {
  return [
    entry.place,
    entry.appliedAt,
    entry.checksum,
    entry.description,
    entry.track,
    entry.name,
    entry.additive ? 1 : 0,
    entry.appVersion,
    entry.arrival,
    entry.commit,
    entry.wrote.join('\n'),
    entry.note ?? null,
  ]
}

/** Whether a table of the marker's name is moult's: it has all of moult's columns. */
export function isMarkerTable(names: readonly string[]): boolean {
  return columns.every((column) => names.includes(column))
}

/** The marker from the rows of its tables, however they were read. */
export function parseMarkerRows(store: string, rows: readonly Row[], commits: readonly Row[]): ParsedMarker {
  const entries: MarkerEntry[] = []
  for (const row of rows) {
    const entry = {
      track: row['track'],
      place: row['version'],
      name: row['name'],
      checksum: row['checksum'],
      additive: row['additive'] === 1,
      description: row['description'],
      appliedAt: row['applied_at'],
      appVersion: row['app_version'],
      arrival: row['arrival'],
      commit: row['commit_id'],
      wrote: splitNames(row['wrote']),
      ...(row['note'] == null ? {} : { note: row['note'] }),
    }
    if (!isEntry(entry)) return { reason: 'its marker table has a row that moult did not write', damaged: true }
    entries.push(entry)
  }
  entries.sort((a, b) => (a.track === b.track ? a.place - b.place : a.track < b.track ? -1 : 1))
  const touches = commits.flatMap(({ id, by }): Touch[] =>
    typeof id === 'string' && typeof by === 'string' ? [{ by, commit: id }] : [],
  )
  const marker: Marker = { store, entries, touches, left: [] }
  return hasGaps(marker) ? { reason: 'the rows of its marker table have gaps', damaged: true } : { marker }
}

function splitNames(text: SqlValue | undefined): string[] {
  return typeof text === 'string' && text !== '' ? text.split('\n') : []
}
