/** SQLite's primary result codes by number: https://sqlite.org/rescode.html */
const primaryCodes = [
  'SQLITE_OK',
  'SQLITE_ERROR',
  'SQLITE_INTERNAL',
  'SQLITE_PERM',
  'SQLITE_ABORT',
  'SQLITE_BUSY',
  'SQLITE_LOCKED',
  'SQLITE_NOMEM',
  'SQLITE_READONLY',
  'SQLITE_INTERRUPT',
  'SQLITE_IOERR',
  'SQLITE_CORRUPT',
  'SQLITE_NOTFOUND',
  'SQLITE_FULL',
  'SQLITE_CANTOPEN',
  'SQLITE_PROTOCOL',
  'SQLITE_EMPTY',
  'SQLITE_SCHEMA',
  'SQLITE_TOOBIG',
  'SQLITE_CONSTRAINT',
  'SQLITE_MISMATCH',
  'SQLITE_MISUSE',
  'SQLITE_NOLFS',
  'SQLITE_AUTH',
  'SQLITE_FORMAT',
  'SQLITE_RANGE',
  'SQLITE_NOTADB',
  'SQLITE_NOTICE',
  'SQLITE_WARNING',
] as const

/**
 * What SQLite itself reported, the same from every library. The message is SQLite's own, which names tables, columns
 * and syntax but no values.
 */
export class SqliteFailure extends Error {
  /** SQLite's primary code, for example `SQLITE_BUSY`, also where the library reported an extended one. */
  readonly code: string
  /** SQLite's extended result code as a number where the library gives one, as a name where it gives that. */
  readonly extended: number | string

  constructor(message: string, code: string, extended: number | string) {
    super(message)
    this.name = 'SqliteError'
    this.code = code
    this.extended = extended
  }
}

/** SQLite's name for the primary code in `extended`, whose low byte it is. */
export function primaryCodeOf(extended: number): string {
  return primaryCodes[extended & 0xff] ?? 'SQLITE_ERROR'
}

/** The primary code in an extended name: `SQLITE_IOERR_FSYNC` is a `SQLITE_IOERR`. */
export function primaryNameOf(extended: string): string {
  const [sqlite, primary] = extended.split('_')
  const name = `${sqlite}_${primary}`
  return (primaryCodes as readonly string[]).includes(name) ? name : 'SQLITE_ERROR'
}

/** SQLite's primary code of an error that came through a driver, or ''. */
export function sqliteCode(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' && code.startsWith('SQLITE_') ? primaryNameOf(code) : ''
}
