import type { DatabaseChanges, TableChanges } from '../../model/database-code.js'
import type { Connection, Driver } from '../../model/driver.js'
import { quoteName } from './identifier.js'

interface Table {
  readonly name: string
  readonly sql: string
  readonly columns: readonly string[]
  /** Columns that tell rows apart. */
  readonly key: readonly string[]
}

/** Compares two copies of a database: schema objects by their text, rows by rowid, or by primary key where there is none. */
export async function compareDatabases(
  before: string | null,
  after: string,
  driver: () => Promise<Driver>,
): Promise<DatabaseChanges> {
  const connection = (await driver()).open(after, { readOnly: false })
  try {
    connection.exec(`ATTACH ${before === null ? "':memory:'" : `'${before.replaceAll("'", "''")}'`} AS before`)
    const [old, now] = [objectsOf(connection, 'before'), objectsOf(connection, 'main')]
    const names = [...now.keys()]
    return {
      tables: compareTables(connection),
      schema: {
        added: names.filter((name) => !old.has(name)),
        removed: [...old.keys()].filter((name) => !now.has(name)),
        changed: names.filter((name) => old.has(name) && old.get(name) !== now.get(name)),
      },
    }
  } finally {
    connection.close()
  }
}

function objectsOf(connection: Connection, schema: string): Map<string, string> {
  const rows = connection
    .prepare(`SELECT type, name, sql FROM ${schema}.sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'`)
    .all([])
  return new Map(rows.map(({ type, name, sql }) => [`${String(type)} ${String(name)}`, String(sql)]))
}

function compareTables(connection: Connection): Record<string, TableChanges> {
  const [old, now] = [tablesOf(connection, 'before'), tablesOf(connection, 'main')]
  const changes: Record<string, TableChanges> = {}
  for (const name of new Set([...old.keys(), ...now.keys()])) {
    const found = compareTable(connection, old.get(name) ?? null, now.get(name) ?? null)
    if (found.added + found.removed + found.changed > 0) changes[name] = found
  }
  return changes
}

/** Tables with rows of their own: a virtual table keeps its rows in others. */
function tablesOf(connection: Connection, schema: string): Map<string, Table> {
  const rows = connection
    .prepare(`SELECT name, sql FROM ${schema}.sqlite_schema WHERE type = 'table' AND rootpage > 0`)
    .all([])
  return new Map(
    rows.map(({ name, sql }) => {
      const table = String(name)
      const info = connection.prepare(`PRAGMA ${schema}.table_xinfo(${quoteName(table)})`).all([])
      const stored = info.filter(({ hidden }) => hidden === 0)
      const primary = info.filter(({ pk }) => Number(pk) > 0).map(({ name: column }) => String(column))
      const isWithoutRowid = /\)[^)]*\bWITHOUT\s+ROWID\b[^)]*$/i.test(String(sql))
      const columns = stored.map(({ name: column }) => String(column))
      return [table, { name: table, sql: String(sql), columns, key: isWithoutRowid ? primary : [] }]
    }),
  )
}

function compareTable(connection: Connection, old: Table | null, now: Table | null): TableChanges {
  const count = (sql: string): number => Number(connection.prepare(sql).get([])?.['n'] ?? 0)
  const table = quoteName((now ?? old)!.name)
  if (old === null) return { added: count(`SELECT count(*) AS n FROM main.${table}`), removed: 0, changed: 0 }
  if (now === null) return { added: 0, removed: count(`SELECT count(*) AS n FROM before.${table}`), changed: 0 }
  const key = now.key.length > 0 && now.key.join() === old.key.join() ? now.key : ['rowid']
  const same = (a: string, b: string): string =>
    key.map((column) => `${a}.${nameOf(column)} IS ${b}.${nameOf(column)}`).join(' AND ')
  const shared = now.columns.filter((column) => old.columns.includes(column))
  const differs = shared.map((column) => `a.${quoteName(column)} IS NOT b.${quoteName(column)}`).join(' OR ')
  const missing = (from: string, other: string): string =>
    `SELECT count(*) AS n FROM ${from}.${table} AS a WHERE NOT EXISTS (SELECT 1 FROM ${other}.${table} AS b WHERE ${same('a', 'b')})`
  return {
    added: count(missing('main', 'before')),
    removed: count(missing('before', 'main')),
    changed:
      differs === ''
        ? 0
        : count(
            `SELECT count(*) AS n FROM main.${table} AS a JOIN before.${table} AS b ON ${same('a', 'b')} WHERE ${differs}`,
          ),
  }
}

function nameOf(column: string): string {
  return column === 'rowid' ? column : quoteName(column)
}
