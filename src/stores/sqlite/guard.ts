import { MoultFailure } from '../../model/errors.js'
import { foldName } from './identifier.js'
import { isPragmaAllowed, readPragma } from './pragma.js'
import { splitSql, type SqlStatement } from './sql-text.js'
import { nameIn, nextToken, type Token } from './sql-tokens.js'

/** Whose SQL it is, and what it may do. */
export interface GuardOptions {
  readonly storeName: string
  /** As messages name it, `store/step`; '' if the caller says whose it is. */
  readonly stepName: string
  /** moult's own tables in this database, besides `moult_steps` and `moult_commit`. */
  readonly markerTables: readonly string[]
  readonly access: 'read' | 'write'
}

const ownTables = ['moult_steps', 'moult_commit']

const transactionHint =
  'The step runs in a transaction of moult, which ends it together with the marker. Leave the statement out.'
const attachHint = 'List the other store in the `reads` or `writes` of the step.'
const refusedVerbs: Readonly<Record<string, string>> = {
  BEGIN: transactionHint,
  COMMIT: transactionHint,
  END: transactionHint,
  ROLLBACK: `${transactionHint} To give up, throw an error.`,
  SAVEPOINT: transactionHint,
  RELEASE: transactionHint,
  ATTACH: attachHint,
  DETACH: attachHint,
  VACUUM: 'VACUUM cannot run inside a transaction. Let the app run it, outside of steps.',
}

const pragmaHints: Readonly<Record<string, string>> = {
  journal_mode: 'moult leaves the database in the mode it has. Let the app set it where it opens the database.',
  foreign_keys: 'moult turns foreign keys off around the steps and checks them before the commit. Leave it out.',
  user_version:
    'Versions are counted by the marker. With the option `userVersion: true` moult writes user_version too.',
  writable_schema: 'Use ALTER TABLE, or make the table anew and copy its rows.',
}

/** Verbs whose statements write nothing to a table that they name. */
const readingVerbs = ['SELECT', 'VALUES', 'PRAGMA', 'ANALYZE', 'REINDEX']

/** Words after which SQLite takes even a 'string' for a table's name. */
const wordsBeforeTable = ['INTO', 'FROM', 'UPDATE', 'TABLE', 'EXISTS', 'ON', 'TO', 'JOIN']
const conflictWords = ['ROLLBACK', 'ABORT', 'FAIL', 'IGNORE', 'REPLACE']

/**
 * Refuses what would end or escape moult's transaction, weaken its durability, or change its marker: `BEGIN COMMIT END
 * ROLLBACK SAVEPOINT RELEASE ATTACH DETACH VACUUM`, each PRAGMA that isn't known to be harmless, `load_extension()`,
 * and anything but reading on moult's tables.
 *
 * It judges the text. So it can't see an `OR ROLLBACK` in a table's definition or a trigger's RAISE(ROLLBACK): these
 * show when they act, in the connection (`DbHandle.broken`). And it takes each mention of a marker table in a statement
 * that writes for a write to it, also where it is only read from.
 *
 * @throws MoultFailure STATEMENT_REFUSED
 */
export function guardStatement(statement: SqlStatement, options: GuardOptions): void {
  const { verb } = statement
  const verbHint = refusedVerbs[verb]
  if (verbHint !== undefined) throw refused(verb, verbHint, statement, options)
  if (verb === 'PRAGMA') guardPragma(statement, options)
  guardNames(statement, options)
}

/**
 * The statements of `sql`, each of them guarded.
 *
 * @throws TypeError as `splitSql`, MoultFailure STATEMENT_REFUSED as `guardStatement`.
 */
export function guardSql(sql: string, options: GuardOptions): readonly SqlStatement[] {
  const statements = splitSql(sql)
  for (const statement of statements) guardStatement(statement, options)
  return statements
}

function guardPragma(statement: SqlStatement, options: GuardOptions): void {
  const pragma = readPragma(statement)
  if (pragma === null || isPragmaAllowed(pragma, options.access)) return
  const hint = pragmaHints[pragma.name] ?? 'moult sets the connection up itself. Leave the statement out.'
  throw refused(`PRAGMA ${pragma.name}`, hint, statement, options)
}

function guardNames(statement: SqlStatement, options: GuardOptions): void {
  const { text, verb } = statement
  const tables = readingVerbs.includes(verb) ? [] : [...ownTables, ...options.markerTables].map(foldName)
  const functions = options.access === 'read' ? ['load_extension', 'pragma_optimize'] : ['load_extension']
  const wanted = [...tables, ...functions]
  if (!mayContain(text, wanted)) return
  let before: Token | null = null
  for (let token = nextToken(text, 0); token !== null; token = nextToken(text, token.end)) {
    if (canBeName(text, token, before)) {
      const name = foldName(nameIn(text, token))
      if (functions.includes(name)) throw refused(name, 'Steps work with what the database has.', statement, options)
      if (tables.includes(name)) {
        const hint =
          'The table is written by moult alone; `stamp` sets a version by hand. To copy from it, read it first.'
        throw refused(`${verb} on ${name}`, hint, statement, options)
      }
    }
    before = token
  }
}

/** Quickly no, for nearly every statement. Quotes in a name may stand there doubled, so only what precedes is sought. */
function mayContain(text: string, names: readonly string[]): boolean {
  const folded = text.toLowerCase()
  return names.some((name) => folded.includes(name.toLowerCase().replace(/["'`].*/s, '')))
}

function canBeName(text: string, token: Token, before: Token | null): boolean {
  if (token.kind === 'word' || token.kind === 'name') return true
  if (token.kind !== 'string' || before === null) return false
  if (before.kind === '.') return true
  const word = before.kind === 'word' ? nameIn(text, before).toUpperCase() : ''
  return wordsBeforeTable.includes(word) || conflictWords.includes(word)
}

function refused(what: string, hint: string, statement: SqlStatement, options: GuardOptions): MoultFailure {
  const { storeName: store, stepName: step } = options
  return new MoultFailure('STATEMENT_REFUSED', {
    message: `${step === '' ? '' : `${step}: `}${what} (line ${statement.line} of the SQL) may not be used in a step`,
    hint,
    details: { store, step },
  })
}
