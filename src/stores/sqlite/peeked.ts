import type { SchemaObject } from './pages/schema.js'
import type { TableContent } from './pages/table-rows.js'
import type { UnreadableWhy } from './pages/unreadable.js'

/** What a look at a database file found. */
export type Peek =
  /** No file, and nothing beside it. */
  | { readonly state: 'absent' }
  /** No data: 0 bytes, or the transaction that was to make the database did not commit. */
  | { readonly state: 'empty' }
  | { readonly state: 'unreadable'; readonly why: UnreadableWhy; readonly reason: string; readonly cause?: unknown }
  /** Somebody writes without a pause: look again, under the lock. */
  | { readonly state: 'busy' }
  | DatabasePeek

export interface DatabasePeek {
  readonly state: 'database'
  readonly userVersion: number
  readonly journalMode: 'wal' | 'rollback'
  /** Whether a transaction stands half written in the file: it is running, or the next opening rolls it back. */
  readonly hot: boolean
  /** sqlite_schema; temporary tables are never in the file. */
  readonly schema: readonly SchemaObject[]
  /** Those of the wanted tables that exist, under the names that were asked for. */
  readonly tables: Readonly<Record<string, TableContent>>
}
