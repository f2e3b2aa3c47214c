import type { Connection } from '../../model/driver.js'
import { noChanges } from '../../model/report.js'
import type { View } from '../../model/store.js'
import { makeDb } from './db-handle.js'
import type { DbOptions } from './db-handle.js'

/** A handle for another store's step, behind a savepoint: a step that is skipped leaves nothing here either. */
export function openView(connection: Connection, options: DbOptions & { readonly writable: boolean }): View {
  const handle = makeDb(connection, options)
  if (options.writable) connection.exec('SAVEPOINT moult_view')
  return {
    value: handle.db,
    changes: () => ({ ...noChanges, rows: options.writable ? handle.rowsChanged() : null }),
    undo: () => {
      if (options.writable) connection.exec('ROLLBACK TO moult_view')
    },
    expire: () => {
      handle.expire()
      const broken = handle.broken()
      if (broken) throw broken
      if (options.writable && connection.inTransaction) connection.exec('RELEASE moult_view')
    },
  }
}
