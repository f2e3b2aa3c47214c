import type { SqlStatement } from './sql-text.js'
import { nameIn, nextToken, type Token } from './sql-tokens.js'

/** What a PRAGMA statement asks for. */
export interface Pragma {
  readonly name: string
  /** Whether it has an argument, `PRAGMA a = b` or `PRAGMA a(b)`. */
  readonly hasArgument: boolean
}

/** Pragmas that answer a question, and whose argument says what is asked about. */
const questions = [
  'table_info',
  'table_xinfo',
  'table_list',
  'index_list',
  'index_info',
  'index_xinfo',
  'foreign_key_list',
  'foreign_key_check',
  'integrity_check',
  'quick_check',
  'database_list',
  'collation_list',
  'function_list',
  'module_list',
  'pragma_list',
  'compile_options',
  'page_count',
  'freelist_count',
  'data_version',
]

/** Settings that may be read: without an argument these only answer. */
const readable = [
  'analysis_limit',
  'application_id',
  'auto_vacuum',
  'automatic_index',
  'busy_timeout',
  'cache_size',
  'cache_spill',
  'cell_size_check',
  'checkpoint_fullfsync',
  'defer_foreign_keys',
  'encoding',
  'foreign_keys',
  'fullfsync',
  'hard_heap_limit',
  'ignore_check_constraints',
  'journal_mode',
  'journal_size_limit',
  'legacy_alter_table',
  'locking_mode',
  'max_page_count',
  'mmap_size',
  'page_size',
  'query_only',
  'read_uncommitted',
  'recursive_triggers',
  'reverse_unordered_selects',
  'schema_version',
  'secure_delete',
  'soft_heap_limit',
  'synchronous',
  'temp_store',
  'threads',
  'trusted_schema',
  'user_version',
  'wal_autocheckpoint',
  'writable_schema',
]

/** Settings of the connection that a step may change for itself; they are put back when it ends. */
export const borrowedSettings = ['analysis_limit', 'cache_size', 'legacy_alter_table', 'recursive_triggers']

/** What a step may change or do besides: part of the transaction, or over with it. */
const changes = ['application_id', 'defer_foreign_keys', 'incremental_vacuum', 'optimize']

/** The pragma that a PRAGMA statement names, or null if it names none. `PRAGMA schema.name` is `name`. */
export function readPragma(statement: SqlStatement): Pragma | null {
  const { text } = statement
  let token = nextToken(text, 0)
  while (token !== null && !isKeyword(text, token, 'PRAGMA')) token = nextToken(text, token.end)
  let name = token && nextToken(text, token.end)
  let after = name && nextToken(text, name.end)
  if (after?.kind === '.') {
    name = nextToken(text, after.end)
    after = name && nextToken(text, name.end)
  }
  if (name === null) return null
  return { name: nameIn(text, name).toLowerCase(), hasArgument: after !== null && after.kind !== ';' }
}

/**
 * Whether step code may use this pragma. A list of what may be, not of what may not: an unknown pragma may belong to a
 * fork of SQLite (`rekey`), and a wrong guess could cost the transaction, the key or the durability of the commit.
 */
export function isPragmaAllowed({ name, hasArgument }: Pragma, access: 'read' | 'write'): boolean {
  if (questions.includes(name)) return true
  if (!hasArgument && readable.includes(name)) return true
  return access === 'write' && (borrowedSettings.includes(name) || changes.includes(name))
}

function isKeyword(text: string, token: Token, keyword: string): boolean {
  return token.kind === 'word' && nameIn(text, token).toUpperCase() === keyword
}
