import type { Driver } from './driver.js'

/** What backup and restore need of a SQLite database, whatever store it is and whoever defines it. */
export interface DatabaseCode {
  /**
   * Holds a database still. Writers wait until `letWritersGo` or `release`; what is there stays as it is, sidecars and
   * times too, once it is released.
   *
   * @throws MoultError IN_USE when others write for longer than `waitMs`; SqliteFailure when SQLite cannot open it.
   */
  freeze(request: DatabaseRequest): Promise<FrozenDatabase>
  /** What differs between two copies that nobody else has, table by table and by the schema's objects. */
  compare(before: string | null, after: string, driver: () => Promise<Driver>): Promise<DatabaseChanges>
  /** Looks at a copy that nobody else has. Leaves no file beside it. */
  check(path: string, driver: () => Promise<Driver>, signal: AbortSignal): Promise<CheckedCopy>
  /**
   * Takes a live database out of use, so that another file may come in its place: its log is in the file, its journal
   * mode is that of a rollback journal, and until `release` nobody else reads or writes it. `onLogged` is called before
   * it leaves WAL mode, so that a crash can bring it back there.
   *
   * @throws MoultError IN_USE when another program has it open; SqliteFailure when SQLite cannot open it.
   */
  seize(request: DatabaseRequest, onLogged: () => void): Promise<SeizedDatabase>
}

export interface CheckedCopy {
  /** What `integrity_check` says; null when all is well. */
  readonly damage: string | null
  /** What the file was found to hold once it was durable; null: it was not made durable. */
  readonly readBack: { readonly sha256: string; readonly bytes: number } | null
}

/** What became of a database. Rows are told apart by their rowid, or by their primary key. */
export interface DatabaseChanges {
  readonly tables: Readonly<Record<string, TableChanges>>
  /** Objects of the schema, as `table item`. */
  readonly schema: {
    readonly added: readonly string[]
    readonly removed: readonly string[]
    readonly changed: readonly string[]
  }
}

export interface TableChanges {
  readonly added: number
  readonly removed: number
  /** Rows of which a column that is in both has another value. */
  readonly changed: number
}

export interface DatabaseRequest {
  /** Of the store, for messages. */
  readonly store: string
  /** Absolute, real. */
  readonly path: string
  readonly driver: () => Promise<Driver>
  readonly waitMs: number
  readonly signal: AbortSignal
}

export interface FrozenDatabase {
  readonly journalMode: string
  /** While writers stand still: everything that can be gone once they go on is taken into the copy at `to`. */
  begin(to: string): Promise<void>
  /** Lets writers go on, where the copy does not need them to wait: in WAL mode. */
  letWritersGo(): void
  /** Copies the rest. Not yet durable. */
  finish(): Promise<{ readonly sha256: string; readonly bytes: number }>
  /** Safe to call twice. */
  release(): void
}

/** `release`: another file has come in its place. */
export interface SeizedDatabase extends FrozenDatabase {
  /** Nothing has come: it goes on as it was, with its journal mode. */
  putBack(): void
}
