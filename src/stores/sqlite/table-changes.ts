import { SqliteFailure } from '../../drivers/sqlite-failure.js'
import type { DbWriter } from './db.js'
import { isSameName, quoteName } from './identifier.js'
import { nameIn, nextToken } from './sql-tokens.js'
import type { StepSession } from './step-session.js'

/** What a handle does to columns. */
export function tableChanges(
  session: StepSession,
  run: DbWriter['run'],
): Pick<DbWriter, 'addColumn' | 'renameColumn' | 'dropColumn'> {
  return {
    addColumn(table, definition) {
      run(`ALTER TABLE ${quoteName(table)} ADD COLUMN ${definition}`)
    },
    renameColumn(table, from, to) {
      run(`ALTER TABLE ${quoteName(table)} RENAME COLUMN ${quoteName(from)} TO ${quoteName(to)}`)
    },
    dropColumn(table, column) {
      try {
        run(`ALTER TABLE ${quoteName(table)} DROP COLUMN ${quoteName(column)}`)
      } catch (error) {
        if (!(error instanceof SqliteFailure)) throw error
        const users = usersOf(session, table, column)
        if (users.length === 0) throw error
        const message = `${error.message} (used by ${users.join(', ')}: drop them first, and make them again without it)`
        throw Object.assign(new SqliteFailure(message, error.code, error.extended), { cause: error })
      }
    },
  }
}

/** The indexes of the table, and the triggers and views of the database, that name the column. */
function usersOf(session: StepSession, table: string, column: string): readonly string[] {
  const objects = session.ask("SELECT type, name, tbl_name, sql FROM main.sqlite_schema WHERE type <> 'table'")
  return objects.flatMap(({ type, name, tbl_name: owner, sql }) => {
    const isOnTable = isSameName(String(owner), table)
    if (type === 'index' && !isOnTable) return []
    if (typeof sql !== 'string') return hasColumn(session, String(name), column) ? ['a UNIQUE or PRIMARY KEY'] : []
    const isUser = mentions(sql, column) && (isOnTable || mentions(sql, table))
    return isUser ? [`${String(type)} ${String(name)}`] : []
  })
}

function hasColumn(session: StepSession, index: string, column: string): boolean {
  const columns = session.ask('SELECT name FROM pragma_index_info(?)', index)
  return columns.some(({ name }) => typeof name === 'string' && isSameName(name, column))
}

function mentions(sql: string, name: string): boolean {
  for (let token = nextToken(sql, 0); token !== null; token = nextToken(sql, token.end)) {
    if ((token.kind === 'word' || token.kind === 'name') && isSameName(nameIn(sql, token), name)) return true
  }
  return false
}
