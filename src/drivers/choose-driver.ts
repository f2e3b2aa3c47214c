import type { Driver } from '../model/driver.js'
import { MoultFailure } from '../model/errors.js'
import { findBetterSqlite3 } from './find-better-sqlite3.js'
import { loadedSqliteLibraries } from './loaded-libraries.js'
import { hasNodeSqlite, nodeSqlite } from './node-sqlite.js'

let lock: Driver | undefined

/**
 * The library that opens lock files, always chosen by the same rule, whatever the app uses for its stores: node:sqlite
 * where the runtime has it, else better-sqlite3.
 *
 * @throws MoultError DRIVER_MISSING
 */
export function lockDriver(): Driver {
  lock ??= hasNodeSqlite() ? nodeSqlite() : findBetterSqlite3()
  return lock
}

/**
 * The library that opens the stores' files. POSIX locks belong to the process, and closing any descriptor of a file
 * drops them all: so it must be the library that the app itself uses for these files. The one that was chosen with
 * `defineState({ driver })`; else the one `lockDriver` gives, if no other is loaded in this process. An addon that the
 * app loads later is not seen.
 *
 * @throws MoultError DRIVER_MISSING, DRIVER_AMBIGUOUS
 */
export function storeDriver(chosen: Driver | null): Driver {
  if (chosen !== null) return chosen
  const driver = lockDriver()
  const loaded = loadedSqliteLibraries()
  if (loaded.length > (driver.name === 'better-sqlite3' ? 1 : 0)) throw ambiguous(driver, loaded)
  return driver
}

function ambiguous(driver: Driver, loaded: readonly string[]): MoultFailure {
  const libraries = driver.name === 'better-sqlite3' ? loaded : [driver.name, ...loaded]
  return new MoultFailure('DRIVER_AMBIGUOUS', {
    message: `this process has several SQLite libraries loaded (${libraries.join(', ')}), and a file that two of them open can lose data`,
    hint: "Say which one opens this state's databases: defineState({ driver: betterSqlite3(Database) }) or defineState({ driver: nodeSqlite() }).",
    details: {},
  })
}
