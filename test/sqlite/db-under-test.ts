import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { betterSqlite3, type BetterSqlite3 } from '#moult/drivers/better-sqlite3.js'
import type { Connection, Driver } from '#moult/drivers/driver.js'
import { hasNodeSqlite, nodeSqlite } from '#moult/drivers/node-sqlite.js'
import { makeDb } from '#moult/stores/sqlite/db-handle.js'

/** Every driver that this Node can load. */
export const drivers: readonly Driver[] = [...loadBetterSqlite3(), ...(hasNodeSqlite() ? [nodeSqlite()] : [])]

function loadBetterSqlite3(): Driver[] {
  const Database = createRequire(import.meta.url)('better-sqlite3') as BetterSqlite3
  try {
    betterSqlite3(Database).open(':memory:', { readOnly: false }).close()
    return [betterSqlite3(Database)]
  } catch (error) {
    // Built for another version of Node than the one that runs the tests.
    if (hasNodeSqlite()) return []
    throw error
  }
}

/** The same test over each driver. */
export function testEach(title: string, body: (open: () => Connection, t: TestContext) => void | Promise<void>): void {
  for (const driver of drivers) {
    test(`${title} (${driver.name})`, async (t) => {
      const folder = mkdtempSync(join(tmpdir(), 'moult-db-'))
      const connections: Connection[] = []
      t.after(() => {
        for (const connection of connections) connection.close()
        rmSync(folder, { recursive: true })
      })
      const open = (): Connection => {
        const connection = driver.open(join(folder, 'test.db'), { readOnly: false })
        connections.push(connection)
        return connection
      }
      await body(open, t)
    })
  }
}

export const step = { storeName: 'index', stepName: 'index/create', markerTables: ['schema_migrations'] }

/** A step's handle in a transaction over a database made by `schema`. */
export function writableStep(connection: Connection, schema = '') {
  connection.exec('PRAGMA foreign_keys = OFF')
  connection.exec(schema)
  connection.exec('BEGIN IMMEDIATE')
  return makeDb(connection, { ...step, writable: true })
}

export function readOnlyStep(connection: Connection, schema = '') {
  connection.exec(schema)
  connection.exec('BEGIN')
  return makeDb(connection, { ...step, writable: false })
}
