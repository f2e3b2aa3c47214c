import { lineAt, nameIn, nextToken, type Token } from './sql-tokens.js'

/** One statement of a longer text. */
export interface SqlStatement {
  /** From its first word to its semicolon or its last word, as it stands in the source. */
  readonly text: string
  /** Where `text` begins in the source. */
  readonly start: number
  /** The line in the source on which it begins, from 1. */
  readonly line: number
  /**
   * The word that says what it does, in upper case: after EXPLAIN that of the statement explained, after WITH that of
   * the statement that follows the common table expressions.
   */
  readonly verb: string
  /** Whether EXPLAIN stands before it, so that it does nothing. */
  readonly isExplained: boolean
}

const verbsAfterWith = ['SELECT', 'VALUES', 'INSERT', 'REPLACE', 'UPDATE', 'DELETE']

/**
 * The statements of a SQL text, empty ones left out. Between two of them stand only spaces, comments and semicolons.
 * It knows where statements end, not whether they are right: that is left to SQLite.
 *
 * A trigger ends like in SQLite's `sqlite3_complete()`: at an END between a semicolon and a semicolon or the end of the
 * text. So CASE … END, and columns named `end`, need no counting.
 *
 * @throws TypeError with the line where a string, a quoted name or a comment has no end; for a NUL character, at which
 * SQLite would stop reading unasked.
 */
export function splitSql(text: string): readonly SqlStatement[] {
  const nul = text.indexOf('\0')
  if (nul !== -1) throw new TypeError(`line ${lineAt(text, nul)}: a NUL character in SQL; SQLite would ignore the rest`)
  const statements: SqlStatement[] = []
  let line = 1
  let counted = 0
  for (let at = 0; ;) {
    const first = nextToken(text, at)
    if (first === null) return statements
    if (first.kind === ';') {
      at = first.end
      continue
    }
    const { verb, isExplained, end } = readStatement(text, first)
    line += lineAt(text.slice(counted, first.start), first.start - counted) - 1
    counted = first.start
    statements.push({ text: text.slice(first.start, end), start: first.start, line, verb, isExplained })
    at = end
  }
}

function readStatement(
  text: string,
  first: Token,
): Pick<SqlStatement, 'verb' | 'isExplained'> & { readonly end: number } {
  let { verb, last } = readVerb(text, first)
  const isExplained = last !== first
  const isTrigger = verb === 'CREATE' && isTriggerAfter(text, last)
  let depth = 0
  for (;;) {
    const token = nextToken(text, last.end)
    if (token === null) return { verb, isExplained, end: last.end }
    if (token.kind === ';') {
      if (!isTrigger) return { verb, isExplained, end: token.end }
      const end = endOfTrigger(text, token)
      if (end !== null) return { verb, isExplained, end }
    } else if (token.kind === '(') depth++
    else if (token.kind === ')') depth--
    else if (verb === 'WITH' && depth === 0 && token.kind === 'word') {
      const word = upper(text, token)
      if (verbsAfterWith.includes(word)) verb = word
    }
    last = token
  }
}

/** The first word after EXPLAIN or EXPLAIN QUERY PLAN, if the statement begins so. */
function readVerb(text: string, first: Token): { verb: string; last: Token } {
  let last = first
  for (const prefix of ['EXPLAIN', 'QUERY', 'PLAN']) {
    if (upper(text, last) !== prefix) break
    const next = nextToken(text, last.end)
    if (next === null || next.kind === ';') break
    last = next
  }
  return { verb: upper(text, last), last }
}

function isTriggerAfter(text: string, create: Token): boolean {
  const word = nextToken(text, create.end)
  if (word === null) return false
  const isTemporary = ['TEMP', 'TEMPORARY'].includes(upper(text, word))
  const what = isTemporary ? nextToken(text, word.end) : word
  return what !== null && upper(text, what) === 'TRIGGER'
}

function endOfTrigger(text: string, semicolon: Token): number | null {
  const end = nextToken(text, semicolon.end)
  if (end === null || upper(text, end) !== 'END') return null
  const after = nextToken(text, end.end)
  if (after === null) return end.end
  return after.kind === ';' ? after.end : null
}

function upper(text: string, token: Token): string {
  return token.kind === 'word' ? nameIn(text, token).toUpperCase() : ''
}
