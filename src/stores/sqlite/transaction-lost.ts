import { sqliteCode } from '../../drivers/sqlite-failure.js'
import { MoultFailure } from '../../model/errors.js'

/**
 * Why there is no transaction any more: a statement ended it, or SQLite rolled it back because the disk failed it.
 * Which errors do that: https://sqlite.org/lang_transaction.html#response_to_errors_within_a_transaction
 */
export function transactionLost(cause: unknown, details: { store: string; step: string }): MoultFailure {
  const why = cause instanceof Error ? `: ${cause.message}` : ''
  const code = sqliteCode(cause)
  if (code === 'SQLITE_FULL') {
    return new MoultFailure('NO_SPACE', {
      message: `${details.step}: SQLite rolled the step back${why}.`,
      hint: 'Free some space and start again.',
      details,
      cause,
    })
  }
  if (code === 'SQLITE_IOERR') {
    return new MoultFailure('DISK_FAILED', {
      message: `${details.step}: SQLite rolled the step back${why}.`,
      hint: 'Look at the disk and the system log, then start again.',
      details,
      cause,
    })
  }
  return new MoultFailure('TRANSACTION_LOST', {
    message: `${details.step}: a statement ended moult's transaction, so the step cannot go on${why}`,
    hint: 'Look for OR ROLLBACK, ON CONFLICT ROLLBACK and RAISE(ROLLBACK).',
    details,
    cause,
  })
}
