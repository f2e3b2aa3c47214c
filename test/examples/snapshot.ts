import { createHash } from 'node:crypto'
import { lstatSync, readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { openDatabase } from '../support/sqlite.js'

/** A state's content as one comparable value: bytes and modes of files, schema and rows of databases. */
export type Snapshot = Readonly<Record<string, string>>

/**
 * Everything in a root but `.moult/`. What differs from run to run by nature is taken out: when a step was applied, and
 * the random ids of commits. `commits: false` also leaves out which commits a database shared, and so how many runs it
 * has seen; what steps of other stores wrote there stays.
 */
export function snapshot(root: string, { commits = true }: { readonly commits?: boolean } = {}): Snapshot {
  const content: Record<string, string> = {}
  const walk = (folder: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (path === '.moult' || /-(wal|shm|journal)$/.test(path)) continue
      const mode = (lstatSync(join(root, path)).mode & 0o7777).toString(8)
      if (entry.isDirectory()) {
        content[`${path}/`] = mode
        walk(path)
      } else if (entry.isSymbolicLink()) content[path] = `link ${readlinkSync(join(root, path))}`
      else
        content[path] =
          `${mode} ${isDatabase(join(root, path)) ? dumpDatabase(join(root, path), commits) : contentOf(join(root, path))}`
    }
  }
  walk('')
  return content
}

function isDatabase(path: string): boolean {
  return path.endsWith('.db')
}

function contentOf(path: string): string {
  const bytes = readFileSync(path)
  if (bytes.subarray(0, 15).toString() === '{\n "moult": 1,\n')
    return JSON.stringify(normaliseMarker(JSON.parse(bytes.toString())))
  return createHash('sha256').update(bytes).digest('hex')
}

function normaliseMarker(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normaliseMarker)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      key === 'appliedAt' || key === 'commit' ? inner !== null : normaliseMarker(inner),
    ]),
  )
}

/** Schema and all rows, the marker's times and commit ids left out. */
function dumpDatabase(path: string, commits: boolean): string {
  const db = openDatabase(path)
  try {
    const tables = db.all("SELECT name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY type, name") as {
      name: string
      sql: string | null
    }[]
    const hash = createHash('sha256')
    for (const { name, sql } of tables) {
      const rows = name === 'moult_commit' && !commits ? ' WHERE by IS NOT NULL' : ''
      if (rows !== '' && db.all(`SELECT 1 FROM moult_commit${rows}`).length === 0) continue
      hash.update(`${name}\n${sql}\n`)
      if (!sql || !/^CREATE (VIRTUAL )?TABLE/i.test(sql)) continue
      for (const row of db.all(`SELECT * FROM "${name}"${rows}`) as Record<string, unknown>[]) {
        const kept = Object.entries(row).filter(
          ([column]) =>
            !(isMarker(row) && ['applied_at', 'commit_id'].includes(column)) &&
            !(name === 'moult_commit' && column === 'id'),
        )
        hash.update(
          JSON.stringify(
            kept.map(([column, value]) => [
              column,
              value instanceof Uint8Array
                ? Buffer.from(value).toString('hex')
                : typeof value === 'bigint'
                  ? String(value)
                  : value,
            ]),
          ),
        )
      }
    }
    const userVersion = JSON.stringify(db.all('PRAGMA user_version'))
    return `${hash.digest('hex')} ${userVersion}`
  } finally {
    db.close()
  }
}

function isMarker(row: Record<string, unknown>): boolean {
  return 'applied_at' in row && 'app_version' in row && 'arrival' in row
}

/** What differs, in few words, for a failing test. */
export function difference(actual: Snapshot, expected: Snapshot): string[] {
  const paths = [...new Set([...Object.keys(actual), ...Object.keys(expected)])].sort()
  return paths
    .filter((path) => actual[path] !== expected[path])
    .map((path) => `${path}: ${actual[path] ?? 'missing'} instead of ${expected[path] ?? 'nothing'}`)
}
