import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Row, SqlValue } from '#moult/model/driver.js'

export interface Database {
  exec(sql: string): void
  pragma(text: string, options?: { simple: boolean }): unknown
  prepare(sql: string): {
    columns(): { readonly name: string }[]
    safeIntegers(): { raw(): { all(): SqlValue[][] } }
    run(...values: readonly SqlValue[]): void
  }
  close(): void
}

export const betterSqlite3Path = createRequire(import.meta.url).resolve('better-sqlite3')
const BetterSqlite3 = createRequire(import.meta.url)(betterSqlite3Path) as new (path: string) => Database

export function openDatabase(path: string): Database {
  return new BetterSqlite3(path)
}

// In memory where that is possible: SQLite's fsyncs are most of what these tests wait for.
const parent = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

/** A directory that is gone when the test is over. */
export function makeDirectory(test: { after(run: () => void): void }): string {
  const directory = mkdtempSync(join(parent, 'moult-peek-'))
  test.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

const sidecars = ['', '-wal', '-journal'] as const

/** What a crash at this moment would leave: the database and its sidecars, but not the -shm, under another name. */
export function copyDatabase(from: string, to: string): string {
  for (const suffix of sidecars) {
    rmSync(to + suffix, { force: true })
    if (existsSync(from + suffix)) copyFileSync(from + suffix, to + suffix)
  }
  rmSync(`${to}-shm`, { force: true })
  return to
}

/** Long ago, so that one reading is enough. */
export function age(path: string): void {
  for (const suffix of sidecars) if (existsSync(path + suffix)) utimesSync(path + suffix, 1_700_000_000, 1_700_000_000)
}

export interface Content {
  readonly userVersion: unknown
  readonly schema: readonly Row[]
  readonly tables: Readonly<Record<string, readonly Row[]>>
}

/** What SQLite itself says, after it recovered whatever there is to recover. Changes the files. */
export function readWithSqlite(path: string, tables: readonly string[]): Content {
  const db = openDatabase(path)
  try {
    const schema = rowsOf(db, 'SELECT type, name, tbl_name AS tableName, sql FROM sqlite_schema')
    const names = new Set(schema.filter((row) => row['type'] === 'table').map((row) => row['name']))
    const present = tables.filter((table) => names.has(table))
    return {
      userVersion: db.pragma('user_version', { simple: true }),
      schema,
      tables: Object.fromEntries(
        present.map((table) => [table, rowsOf(db, `SELECT * FROM "${table}" ORDER BY rowid`)]),
      ),
    }
  } finally {
    db.close()
  }
}

function rowsOf(db: Database, sql: string): Row[] {
  const statement = db.prepare(sql)
  const names = statement.columns().map((column) => column.name)
  const rows = statement.safeIntegers().raw().all()
  return rows.map((row) => Object.fromEntries(row.map((value, i) => [names[i], plain(value)])))
}

function plain(value: SqlValue): SqlValue {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value
  return value instanceof Uint8Array ? Uint8Array.from(value) : value
}

/** Names, bytes, modes and times of all files there, and the directory's own time. */
export function fingerprint(directory: string): unknown {
  const files = readdirSync(directory).sort()
  return {
    changed: statSync(directory, { bigint: true }).mtimeNs,
    files: files.map((name) => {
      const { mtimeNs, ctimeNs, mode, ino } = statSync(join(directory, name), { bigint: true })
      return { name, mtimeNs, ctimeNs, mode, ino, bytes: readFileSync(join(directory, name)).toString('base64') }
    }),
  }
}
