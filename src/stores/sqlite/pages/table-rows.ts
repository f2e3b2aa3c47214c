import type { Row, SqlValue } from '../../../model/driver.js'
import { parseCreateTable } from './create-table.js'
import { defaultValue } from './default-value.js'
import type { Pages } from './pages.js'
import { decodeRecord } from './record.js'
import type { StoredObject } from './schema.js'
import { scanTable } from './table-scan.js'
import { Unreadable } from './unreadable.js'

export interface TableContent {
  /** Names of the columns, in their order; also when there are no rows. */
  readonly columns: readonly string[]
  /** In the order of their rowids. */
  readonly rows: readonly Row[]
}

/** All of a table, as `SELECT *` would give it. */
export function readTable(pages: Pages, table: StoredObject): TableContent {
  try {
    const { columns, rowidAlias } = parseCreateTable(table.sql ?? '')
    const names = columns.map((column) => column.name)
    const defaults = columns.map((column) => defaultValue(column.defaultSql, column.affinity))
    const rows: Row[] = []
    for (const { rowid, record } of scanTable(pages, table.root)) {
      const stored = decodeRecord(record, pages.header.encoding)
      const entries = names.map((name, i): [string, SqlValue] => {
        if (i === rowidAlias) return [name, rowid]
        const value = i < stored.length ? stored[i] : defaults[i]
        if (value === undefined)
          throw new Unreadable('unsupported', `its column '${name}' has a default that only SQLite can work out`)
        return [name, value]
      })
      rows.push(Object.fromEntries(entries))
    }
    return { columns: names, rows }
  } catch (error) {
    if (error instanceof Unreadable)
      throw new Unreadable(error.why, `the table '${table.name}' cannot be read: ${error.message}`)
    throw error
  }
}
