import * as fs from 'node:fs'
import { join } from 'node:path'
import { openDatabase } from '../support/sqlite.js'

/** Content, mode and kind of everything but `.moult` and unclaimed files; rows of databases and their journal mode. */
export function contentOf(root: string): Record<string, unknown> {
  const found: Record<string, unknown> = {}
  const visit = (path: string): void => {
    for (const entry of fs.readdirSync(join(root, path), { withFileTypes: true })) {
      const at = path === '' ? entry.name : `${path}/${entry.name}`
      // What the app makes anew goes with what it was made from
      if (at === '.moult' || at === 'vault/.cache' || /-(shm|wal|journal)$/.test(at)) continue
      if (entry.isDirectory()) visit(at)
      else if (at.endsWith('.db')) found[at] = rowsOf(join(root, at))
      else {
        const { mode, mtimeMs } = fs.statSync(join(root, at))
        found[at] = [mode & 0o7777, Math.round(mtimeMs), fs.readFileSync(join(root, at), 'latin1')]
      }
    }
  }
  visit('')
  return found
}

function rowsOf(path: string): unknown {
  try {
    const db = openDatabase(path)
    try {
      const tables = db.all("SELECT name, sql FROM sqlite_schema WHERE type = 'table' ORDER BY name")
      return [
        db.all('PRAGMA journal_mode'),
        db.all('PRAGMA integrity_check'),
        tables,
        ...tables.map(({ name }) => db.all(`SELECT * FROM "${String(name)}" ORDER BY 1`)),
      ]
    } finally {
      db.close()
    }
  } catch {
    return fs.readFileSync(path, 'latin1')
  }
}
