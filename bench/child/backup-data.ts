import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

interface Database {
  exec(sql: string): void
  prepare(sql: string): { run(...values: readonly unknown[]): unknown }
}

// `backup-data.js make|change ROOT`: 300 MB in a database, the last rows in its log, and 10,000 small files. Then dies, so
// that the log stays.
const [what, root] = process.argv.slice(2)
const { getBuiltinModule } = process as { getBuiltinModule?: (name: string) => unknown }
const own = getBuiltinModule?.('node:sqlite') as { DatabaseSync: new (path: string) => Database } | undefined
const Library =
  own?.DatabaseSync ?? (createRequire(import.meta.url)('better-sqlite3') as new (path: string) => Database)

const rows = 280_000
const files = 10_000

mkdirSync(join(root!, 'notes'), { recursive: true })
const db = new Library(join(root!, 'log.db'))
db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF')
const fill = (from: number, count: number): void => {
  const insert = db.prepare('INSERT INTO message VALUES (?, ?, ?)')
  db.exec('BEGIN')
  for (let id = from; id < from + count; id++)
    insert.run(id, randomBytes(12).toString('hex'), randomBytes(480).toString('hex'))
  db.exec('COMMIT')
}
const write = (from: number, count: number): void => {
  for (let index = from; index < from + count; index++)
    writeFileSync(join(root!, 'notes', `${index}.md`), randomBytes(700 + (index % 600)).toString('hex'))
}
if (what === 'make') {
  db.exec('CREATE TABLE message(id INTEGER PRIMARY KEY, session TEXT, body TEXT)')
  fill(0, rows)
  db.exec('CREATE INDEX message_session ON message(session); PRAGMA wal_checkpoint(TRUNCATE)')
  db.exec('PRAGMA wal_autocheckpoint = 0')
  fill(rows, 2000)
  write(0, files)
} else {
  // One per cent
  db.exec('PRAGMA wal_autocheckpoint = 0')
  fill(rows + 2000, rows / 100)
  write(0, files / 100)
}
process.kill(process.pid, 'SIGKILL')
