// What a careful program without moult does: one transaction, each step with a row in a ledger, as durable as moult's.
import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { sqlSteps } from './sql-steps.js'
import { tellSample } from './tell-sample.js'

interface Library {
  exec(sql: string): void
  prepare(sql: string): { run(...values: readonly (string | number)[]): unknown }
  close(): void
}
type LibraryClass = new (path: string) => Library

const [root, count, rows] = process.argv.slice(2)
const own = process.getBuiltinModule('node:sqlite') as { DatabaseSync: LibraryClass } | undefined
const Database = own?.DatabaseSync ?? (createRequire(import.meta.url)('better-sqlite3') as LibraryClass)
const steps = sqlSteps(Number(count), Number(rows))

// Another one first: what is measured is the steps, not how long the library takes to load.
new Database(':memory:').close()

await tellSample(async () => {
  const db = new Database(join(root!, 'index.db'))
  db.exec('PRAGMA synchronous = EXTRA')
  db.exec('BEGIN IMMEDIATE')
  db.exec(
    'CREATE TABLE ledger(place INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, applied_at TEXT NOT NULL, checksum TEXT NOT NULL)',
  )
  const note = db.prepare('INSERT INTO ledger VALUES (?, ?, ?, ?)')
  for (const [index, { name, sql }] of steps.entries()) {
    db.exec(sql)
    note.run(index + 1, name, new Date().toISOString(), createHash('sha256').update(sql).digest('hex'))
  }
  db.exec('COMMIT')
  db.close()
})
