import { MoultFailure, isMoultError } from '../model/errors.js'
import { guardSql } from '../stores/sqlite/guard.js'

/**
 * SQL as a step can have it: no byte order mark, not empty, and nothing in it that would end moult's transaction
 * (protocol 15). Throws CONFIG_UNREADABLE naming the file and the line.
 */
export function checkSql(where: string, stem: string, given: string): string {
  const sql = given.replace(/^\uFEFF/, '')
  let count: number
  try {
    count = guardSql(sql, { storeName: '', stepName: '', markerTables: [], access: 'write' }).length
  } catch (error) {
    if (!isMoultError(error) && !(error instanceof TypeError)) throw error
    const hint = isMoultError(error) ? error.hint : 'Mend the file.'
    throw unreadable(where, error.message.replace(/^\/: /, ''), hint, error)
  }
  if (count === 0)
    throw unreadable(
      where,
      'there is no statement in it',
      `If the step '${stem}' has nothing to do, let it say so: SELECT 1;`,
      undefined,
    )
  return sql
}

function unreadable(where: string, what: string, hint: string, cause: unknown): MoultFailure<'CONFIG_UNREADABLE'> {
  return new MoultFailure('CONFIG_UNREADABLE', {
    message: `The step file ${where} cannot be used: ${what}`,
    hint,
    details: { path: where },
    cause,
  })
}
