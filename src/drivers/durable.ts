import type { Connection } from '../model/driver.js'
import { MoultFailure } from '../model/errors.js'

/**
 * Sets a connection so that what it commits has reached the disk when COMMIT returns, and reads every setting back:
 * SQLite ignores some of them inside a transaction. Without it a power cut can take a commit back: in WAL mode where
 * the library was built with synchronous=NORMAL, in rollback mode because the unlinked journal is not synced.
 * https://sqlite.org/pragma.html#pragma_synchronous (EXTRA), https://sqlite.org/pragma.html#pragma_fullfsync (macOS)
 *
 * @param schema The name of one attached database; the main one if left out.
 * @throws TypeError inside a transaction; MoultError DISK_FAILED when a setting does not take.
 */
export function makeDurable(connection: Connection, schema = 'main'): void {
  refuseTransaction(connection, 'makeDurable')
  const prefix = quoteName(schema)
  set(connection, 'fullfsync', 'fullfsync', 1)
  set(connection, 'checkpoint_fullfsync', 'checkpoint_fullfsync', 1)
  set(connection, `${prefix}.synchronous`, 'synchronous', 3)
  // Unqualified it holds for every database of the connection, also those attached later
  set(connection, 'locking_mode', 'locking_mode', 'normal', `${prefix}.locking_mode`)
  const mode = read(connection, `${prefix}.journal_mode`, 'journal_mode')
  // Without a journal on disk, a crash in a commit leaves half of it
  if (mode === 'off' || mode === 'memory') set(connection, `${prefix}.journal_mode`, 'journal_mode', 'delete')
}

/**
 * Makes what this connection sees durable: after a crash it may see, in the operating system's cache, a commit that
 * never reached the disk. Writes `user_version` over itself, in a transaction of its own: SQLite writes the page also
 * when nothing in it changes, and its commit syncs what came before it. Nothing a user sees changes; in rollback mode
 * the file's change counter goes up. The connection must be `makeDurable`.
 *
 * @throws TypeError inside a transaction; SqliteFailure SQLITE_BUSY when somebody else writes.
 */
export function settle(connection: Connection): void {
  refuseTransaction(connection, 'settle')
  connection.exec('BEGIN IMMEDIATE')
  try {
    const version = read(connection, 'main.user_version', 'user_version')
    connection.exec(`PRAGMA main.user_version = ${version}`)
    connection.exec('COMMIT')
  } catch (error) {
    if (connection.inTransaction) connection.exec('ROLLBACK')
    throw error
  }
}

function refuseTransaction(connection: Connection, caller: string): void {
  if (connection.inTransaction) throw new TypeError(`${caller} needs a connection that is not in a transaction`)
}

function set(connection: Connection, pragma: string, column: string, value: number | string, check = pragma): void {
  connection.prepare(`PRAGMA ${pragma} = ${value}`).all([])
  const now = read(connection, check, column)
  if (now !== value)
    throw new MoultFailure('DISK_FAILED', {
      message: `${connection.path} cannot be set to commit durably: ${column} stays ${now} instead of ${value}`,
      hint: 'Close other programs that use this database and try again.',
      details: { path: connection.path },
    })
}

function read(connection: Connection, pragma: string, column: string): string | number {
  return connection.prepare(`PRAGMA ${pragma}`).get([])?.[column] as string | number
}

function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
