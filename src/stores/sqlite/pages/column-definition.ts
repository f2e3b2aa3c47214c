import { nameIn, type Token } from '../sql-tokens.js'
import { type Affinity, affinityOf } from './affinity.js'
import { numberText } from './default-value.js'
import { closingOf, isName, notUnderstood, wordOf } from './definition-tokens.js'

export interface Column {
  readonly name: string
  readonly affinity: Affinity
  /** Whether the type is exactly INTEGER, as the alias of the rowid must be. */
  readonly isInteger: boolean
  /** Whether the column itself says PRIMARY KEY, and not PRIMARY KEY DESC. */
  readonly isKey: boolean
  /** The text after DEFAULT. */
  readonly defaultSql: string | null
}

/** The words that may stand in a column's constraints; any other means that this reader would have to guess. */
const known = new Set(
  'CONSTRAINT NOT NULL PRIMARY KEY ASC DESC ON CONFLICT ROLLBACK ABORT FAIL IGNORE REPLACE AUTOINCREMENT UNIQUE CHECK DEFAULT COLLATE REFERENCES MATCH DELETE UPDATE INSERT SET CASCADE RESTRICT NO ACTION DEFERRABLE INITIALLY DEFERRED IMMEDIATE'.split(
    ' ',
  ),
)
const endsType = new Set(
  'CONSTRAINT NOT NULL PRIMARY UNIQUE CHECK DEFAULT COLLATE REFERENCES DEFERRABLE GENERATED AS'.split(' '),
)
/** What follows these is a name, or (after SET) not the column's own NULL or DEFAULT. */
const takesNext = new Set(['CONSTRAINT', 'COLLATE', 'REFERENCES', 'MATCH', 'SET'])

/** One column of a CREATE TABLE: "CREATE TABLE" §3 (Column Definitions). */
export function parseColumn(sql: string, tokens: readonly Token[]): Column {
  const name = tokens[0]
  if (name === undefined || !isName(name)) throw notUnderstood()
  const { end: typeEnd, type, isInteger } = parseType(sql, tokens)
  let isKey = false
  let defaultSql: string | null = null
  for (let i = typeEnd; i < tokens.length; i++) {
    const token = tokens[i]
    if (token?.kind === '(') {
      i = closingOf(tokens, i)
      continue
    }
    const word = wordOf(sql, token)
    if (!known.has(word)) throw notUnderstood()
    if (takesNext.has(word)) i++
    else if (word === 'PRIMARY') isKey = wordOf(sql, tokens[i + 2]) !== 'DESC'
    else if (word === 'DEFAULT') {
      const last = endOfDefault(sql, tokens, i + 1)
      defaultSql = sql.slice(tokens[i + 1]?.start, tokens[last]?.end)
      i = last
    }
  }
  return { name: nameIn(sql, name), affinity: affinityOf(type), isInteger, isKey, defaultSql }
}

function parseType(sql: string, tokens: readonly Token[]): { end: number; type: string; isInteger: boolean } {
  const words: string[] = []
  let end = 1
  for (; end < tokens.length; end++) {
    const token = tokens[end]
    if (token === undefined || !isName(token) || endsType.has(wordOf(sql, token))) break
    words.push(nameIn(sql, token))
  }
  // Of several words the first of which is quoted, SQLite takes only that one.
  if (words.length > 1 && tokens[1]?.kind !== 'word') throw notUnderstood()
  const hasSize = words.length > 0 && tokens[end]?.kind === '('
  const type = words.join(' ')
  const isInteger = !hasSize && type.toUpperCase() === 'INTEGER'
  return { end: hasSize ? closingOf(tokens, end) + 1 : end, type, isInteger }
}

/** The index of the last token of the value that begins at `from`. */
function endOfDefault(sql: string, tokens: readonly Token[], from: number): number {
  const first = tokens[from]
  if (first === undefined) throw notUnderstood()
  if (first.kind === '(') return closingOf(tokens, from)
  const sign = /[+-]/.test(sql.slice(first.start, first.end)) && first.kind === 'other' ? 1 : 0
  const value = tokens[from + sign]
  if (value === undefined) throw notUnderstood()
  numberText.lastIndex = value.start
  if (!numberText.test(sql)) {
    const isBlob =
      wordOf(sql, value) === 'X' && tokens[from + 1]?.kind === 'string' && tokens[from + 1]?.start === value.end
    return from + sign + (isBlob ? 1 : 0)
  }
  const end = numberText.lastIndex
  let last = from + sign
  while ((tokens[last + 1]?.start ?? end) < end) last++
  return last
}
