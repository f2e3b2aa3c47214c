import { openDatabase } from '../test/support/sqlite.js'

export type PlainRow = Readonly<Record<string, null | number | bigint | string>>

/** What some queries of a database give: plain objects, blobs as hexadecimal text, alike over every SQLite library. */
export function readTables<K extends string>(
  path: string,
  queries: Readonly<Record<K, string>>,
): Record<K, PlainRow[]> {
  const db = openDatabase(path)
  try {
    const tables = Object.entries<string>(queries).map(([name, sql]) => [name, db.all(sql).map(plain)] as const)
    return Object.fromEntries(tables) as Record<K, PlainRow[]>
  } finally {
    db.close()
  }
}

function plain(row: Readonly<Record<string, unknown>>): PlainRow {
  const values = Object.entries(row).map(([column, value]) => [
    column,
    value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
  ])
  return Object.fromEntries(values) as PlainRow
}
