import type { DbColumn, DbReader } from './db.js'
import { isSameName } from './identifier.js'
import type { StepSession } from './step-session.js'

const findTable = `SELECT 1 FROM (SELECT type, name FROM temp.sqlite_schema UNION ALL SELECT type, name FROM main.sqlite_schema)
  WHERE type = 'table' AND name = ? COLLATE NOCASE`

// hidden is 1 for the columns of virtual tables that are arguments, 2 and 3 for generated ones:
// https://sqlite.org/pragma.html#pragma_table_xinfo
const listColumns = `SELECT name, type, "notnull" AS isNotNull, pk, dflt_value AS defaultSql
  FROM pragma_table_xinfo(?) WHERE hidden <> 1 ORDER BY cid`

/** What a handle answers about tables. */
export function tableQuestions(session: StepSession): Pick<DbReader, 'tableExists' | 'columns' | 'columnExists'> {
  const columns = (table: string): readonly DbColumn[] =>
    session.ask(listColumns, table).map(({ name, type, isNotNull, pk, defaultSql }) => ({
      name: String(name),
      type: String(type),
      notNull: isNotNull === 1,
      pk: Number(pk),
      defaultSql: defaultSql === null || defaultSql === undefined ? null : String(defaultSql),
    }))
  return {
    tableExists: (table) => session.ask(findTable, table).length > 0,
    columns,
    columnExists: (table, column) => columns(table).some(({ name }) => isSameName(name, column)),
  }
}
