import { createRequire } from 'node:module'

type Value = null | number | bigint | string | Uint8Array
type Row = Record<string, Value>

/** A database as the app would use it, the same over node:sqlite and better-sqlite3. */
export interface AppDatabase {
  /** Runs any number of statements. */
  exec(sql: string): void
  run(sql: string, ...values: readonly Value[]): void
  get(sql: string, ...values: readonly Value[]): Row | undefined
  all(sql: string, ...values: readonly Value[]): Row[]
  close(): void
}

interface LibraryDatabase {
  exec(sql: string): void
  prepare(sql: string): Record<'run' | 'get' | 'all', (...values: readonly Value[]) => unknown>
  close(): void
}
type Library = new (path: string) => LibraryDatabase

/**
 * The SQLite library an app would use on this Node, chosen as moult chooses its own: node:sqlite where the runtime has
 * it, else better-sqlite3. So a test and moult never open one file with two libraries in one process.
 */
function loadLibrary(): Library {
  // `process.getBuiltinModule` is younger than the types of the oldest Node.
  const { getBuiltinModule } = process as { getBuiltinModule?: (name: string) => unknown }
  const own = getBuiltinModule?.('node:sqlite') as { DatabaseSync: Library } | undefined
  return own?.DatabaseSync ?? (createRequire(import.meta.url)('better-sqlite3') as Library)
}

/** Opens a database, creating the file when it is not there. Foreign keys are on, as both libraries have them. */
export function openDatabase(path: string): AppDatabase {
  const database = new (loadLibrary())(path)
  return {
    exec: (sql) => void database.exec(sql),
    run: (sql, ...values) => void database.prepare(sql).run(...values),
    get(sql, ...values) {
      const row = database.prepare(sql).get(...values) as Row | undefined
      return row && { ...row }
    },
    // The rows of node:sqlite have no prototype.
    all: (sql, ...values) => (database.prepare(sql).all(...values) as Row[]).map((row) => ({ ...row })),
    close: () => database.close(),
  }
}
