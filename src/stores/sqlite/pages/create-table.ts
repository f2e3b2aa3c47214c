import { isSameName } from '../identifier.js'
import { nameIn, type Token } from '../sql-tokens.js'
import { type Column, parseColumn } from './column-definition.js'
import { closingOf, isName, notUnderstood, splitAtCommas, tokensOf, wordOf } from './definition-tokens.js'
import { Unreadable } from './unreadable.js'

export interface TableShape {
  readonly columns: readonly Column[]
  /** Which column is the rowid under another name, and stored as NULL; -1: none ("CREATE TABLE" §5). */
  readonly rowidAlias: number
}

const startsConstraint = new Set(['CONSTRAINT', 'PRIMARY', 'UNIQUE', 'CHECK', 'FOREIGN'])

/**
 * A table's columns from its text in sqlite_schema, which SQLite begins with `CREATE TABLE name`, however it was made.
 * Throws rather than guess: generated columns, WITHOUT ROWID, virtual tables and unknown words are refused.
 */
export function parseCreateTable(sql: string): TableShape {
  const tokens = tokensOf(sql)
  const name = tokens[2]
  if (
    wordOf(sql, tokens[0]) !== 'CREATE' ||
    wordOf(sql, tokens[1]) !== 'TABLE' ||
    name === undefined ||
    !isName(name)
  ) {
    throw new Unreadable('unsupported', 'it is a virtual table, or none at all')
  }
  if (tokens[3]?.kind !== '(') throw notUnderstood()
  const end = closingOf(tokens, 3)
  checkOptions(sql, tokens.slice(end + 1))
  const items = splitAtCommas(tokens.slice(4, end))
  const firstConstraint = items.findIndex((item) => startsConstraint.has(wordOf(sql, item[0])))
  const columns = (firstConstraint < 0 ? items : items.slice(0, firstConstraint)).map((item) => parseColumn(sql, item))
  const constraints = firstConstraint < 0 ? [] : items.slice(firstConstraint)
  const key = constraints.map((item) => soleKeyColumn(sql, item)).find((column) => column !== null)
  const rowidAlias = columns.findIndex(
    (column) =>
      column.isInteger && (column.isKey || (key !== undefined && key !== null && isSameName(key, column.name))),
  )
  return { columns, rowidAlias }
}

/** What may follow the columns: STRICT changes nothing here, WITHOUT ROWID keeps the rows in an index. */
function checkOptions(sql: string, tokens: readonly Token[]): void {
  for (const token of tokens) {
    const word = wordOf(sql, token)
    if (word === 'WITHOUT') throw new Unreadable('unsupported', 'it is a WITHOUT ROWID table')
    if (word !== 'STRICT' && token.kind !== ',') throw notUnderstood()
  }
}

/** The column of a `PRIMARY KEY(column)` over one column; null when there is no such constraint in the item. */
function soleKeyColumn(sql: string, item: readonly Token[]): string | null {
  for (let i = 0; i < item.length; i++) {
    if (item[i]?.kind === '(') i = closingOf(item, i)
    else if (wordOf(sql, item[i]) === 'CONSTRAINT') i++
    else if (wordOf(sql, item[i]) === 'PRIMARY' && item[i + 2]?.kind === '(') {
      const terms = splitAtCommas(item.slice(i + 3, closingOf(item, i + 2)))
      const column = terms.length === 1 ? terms[0]?.[0] : undefined
      if (terms.length !== 1) return null
      if (column === undefined || !isName(column)) throw notUnderstood()
      return nameIn(sql, column)
    }
  }
  return null
}
