import type { BetterSqlite3 } from './drivers/better-sqlite3.js'
import type { ChosenDriver } from './model/driver.js'

/**
 * better-sqlite3 (12 on Node 20, 12 or 13 from Node 22), for `defineState({ driver })`. Hand in the class the app itself
 * uses: two SQLite libraries, or two copies of one, must not open the same file.
 *
 * Throws a TypeError when it isn't given a class.
 */
export function betterSqlite3(Database: BetterSqlite3): ChosenDriver {
  if (typeof Database !== 'function')
    throw new TypeError("betterSqlite3 takes better-sqlite3's default export, a class")
  return Object.freeze({
    name: 'better-sqlite3',
    load: async () => (await import('./drivers/better-sqlite3.js')).betterSqlite3(Database),
  })
}

/**
 * `node:sqlite`, for `defineState({ driver })`. Where the runtime doesn't have it, DRIVER_MISSING is thrown when a
 * database is opened.
 */
export function nodeSqlite(): ChosenDriver {
  return Object.freeze({
    name: 'node:sqlite',
    load: async () => (await import('./drivers/node-sqlite.js')).nodeSqlite(),
  })
}
