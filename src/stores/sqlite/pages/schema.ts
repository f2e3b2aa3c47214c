import type { Pages } from './pages.js'
import { decodeRecord } from './record.js'
import { scanTable } from './table-scan.js'
import { malformed } from './unreadable.js'

/** A row of sqlite_schema. */
export interface SchemaObject {
  readonly type: 'table' | 'index' | 'view' | 'trigger'
  readonly name: string
  readonly tableName: string
  /** Null for the indexes that SQLite makes by itself. */
  readonly sql: string | null
}

/** With the page on which the object's tree begins; 0 for what has none. */
export interface StoredObject extends SchemaObject {
  readonly root: number
}

const kinds: ReadonlySet<unknown> = new Set(['table', 'index', 'view', 'trigger'])

/** "Database File Format" §2.6 (Storage Of The SQL Database Schema). */
export function readSchema(pages: Pages): StoredObject[] {
  const objects: StoredObject[] = []
  for (const { record } of scanTable(pages, 1)) {
    const [type, name, tableName, root, sql] = decodeRecord(record, pages.header.encoding)
    if (
      !isKind(type) ||
      typeof name !== 'string' ||
      typeof tableName !== 'string' ||
      (sql !== null && typeof sql !== 'string')
    ) {
      throw malformed('the schema has a row that SQLite did not write')
    }
    objects.push({ type, name, tableName, sql, root: typeof root === 'number' ? root : 0 })
  }
  return objects
}

function isKind(type: unknown): type is SchemaObject['type'] {
  return kinds.has(type)
}
