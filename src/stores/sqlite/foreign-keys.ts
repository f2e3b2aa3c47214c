import type { Connection, Row } from '../../drivers/driver.js'
import { SqliteFailure } from '../../drivers/sqlite-failure.js'
import { foldName, quoteName } from './identifier.js'

/** The rows of one table that break one of its foreign keys. */
export interface ForeignKeyViolation {
  readonly table: string
  /** '' where a key of the table cannot be checked at all. */
  readonly parent: string
  readonly columns: readonly string[]
  readonly count: number
}

/** Whether it is not rows, but a key of the table that points at what is no key. */
export function isMismatch({ parent }: Pick<ForeignKeyViolation, 'parent'>): boolean {
  return parent === ''
}

interface Broken extends ForeignKeyViolation {
  /** Which rows, or null where that isn't known: WITHOUT ROWID, too many, or a key that can't be checked. */
  readonly rowids: ReadonlySet<number | bigint> | null
}

/** What `foreign_key_check` found at one moment, by table and foreign key. */
export interface ForeignKeyViolations {
  readonly total: number
  readonly byKey: ReadonlyMap<string, Broken>
}

/** So many row ids are kept (some 20 MB); of further rows only the number. */
const keptRowids = 200_000

/**
 * Every row of a database that breaks a foreign key now, found whether `foreign_keys` is on or not. A foreign key that
 * SQLite can't check at all (`foreign key mismatch`) counts as one violation of its table, and may hide others there.
 *
 * Keys are told apart by their columns, not by the number SQLite gives them, which moves when a table is rebuilt.
 */
export function foreignKeyViolations(
  connection: Connection,
  schema = 'main',
  limits = { keptRowids },
): ForeignKeyViolations {
  const byKey = new Map<string, Broken>()
  let room = limits.keptRowids
  let total = 0
  for (const [table, keys] of listForeignKeys(connection, schema)) {
    const found = new Map<number, { parent: string; count: number; rowids: Set<number | bigint> | null }>()
    const mismatch = check(connection, schema, table, (row) => {
      const id = Number(row['fkid'])
      const entry = found.get(id) ?? { parent: String(row['parent']), count: 0, rowids: new Set() }
      found.set(id, entry)
      entry.count++
      const { rowid } = row
      if (room > 0 && (typeof rowid === 'number' || typeof rowid === 'bigint')) {
        entry.rowids?.add(rowid)
        room--
      } else entry.rowids = null
    })
    for (const [id, { parent, count, rowids }] of found) {
      const columns = keys.get(id) ?? []
      byKey.set(keyOf(table, parent, columns), { table, parent, columns, count, rowids })
      total += count
    }
    if (mismatch) {
      byKey.set(keyOf(table, '', []), { table, parent: '', columns: [], count: 1, rowids: null })
      total++
    }
  }
  return { total, byKey }
}

/**
 * The violations that are there after a step and weren't before. Rows are compared one by one; where they aren't known
 * by the number of rows, so that one mended and one newly broken make none. A renamed table, parent or column makes
 * its old violations new ones.
 */
export function newViolations(
  before: ForeignKeyViolations,
  after: ForeignKeyViolations,
): readonly ForeignKeyViolation[] {
  return [...after.byKey].flatMap(([key, { table, parent, columns, count: now, rowids }]) => {
    const old = before.byKey.get(key)
    const count = old === undefined ? now : countNew(old, { count: now, rowids })
    return count > 0 ? [{ table, parent, columns, count }] : []
  })
}

function countNew(old: Pick<Broken, 'count' | 'rowids'>, now: Pick<Broken, 'count' | 'rowids'>): number {
  if (old.rowids === null || now.rowids === null) return now.count - old.count
  let count = 0
  for (const rowid of now.rowids) if (!old.rowids.has(rowid)) count++
  return count
}

/**
 * The columns of each foreign key of each table that has some, by SQLite's number of the key. Asking for a table's keys
 * is slow and is done after every step, so only those are asked whose definition has the word that makes a key.
 */
function listForeignKeys(connection: Connection, schema: string): ReadonlyMap<string, ReadonlyMap<number, string[]>> {
  const tables = new Map<string, Map<number, string[]>>()
  const withKeys = `${quoteName(schema)}.sqlite_schema t WHERE t.type = 'table' AND instr(lower(t.sql), 'references')`
  if (connection.prepare(`SELECT 1 FROM ${withKeys} LIMIT 1`).get([]) === undefined) return tables
  const list = connection.prepare(
    `SELECT t.name AS "table", f.id AS id, f."from" AS "column"
     FROM (SELECT name FROM ${withKeys}) t, pragma_foreign_key_list(t.name, ?) f ORDER BY t.name, f.id, f.seq`,
  )
  for (const row of list.all([schema])) {
    const keys = tables.get(String(row['table'])) ?? new Map<number, string[]>()
    tables.set(String(row['table']), keys)
    const id = Number(row['id'])
    keys.set(id, [...(keys.get(id) ?? []), String(row['column'])])
  }
  return tables
}

/** Whether the check of the table failed because a key of it can't be checked. */
function check(connection: Connection, schema: string, table: string, onRow: (row: Row) => void): boolean {
  const sql = `PRAGMA ${quoteName(schema)}.foreign_key_check(${quoteName(table)})`
  try {
    for (const row of connection.prepare(sql).each([])) onRow(row)
    return false
  } catch (error) {
    if (error instanceof SqliteFailure && error.message.includes('foreign key mismatch')) return true
    throw error
  }
}

function keyOf(table: string, parent: string, columns: readonly string[]): string {
  return JSON.stringify([table, parent, ...columns].map(foldName))
}
