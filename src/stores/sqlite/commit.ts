import { setTimeout as sleep } from 'node:timers/promises'
import { hasCommit, recordCommit } from '../../drivers/commit-record.js'
import type { Connection } from '../../model/driver.js'
import { systemCode } from '../../model/errors.js'
import type { OpenDatabase } from './open-database.js'

interface CommitResult {
  readonly outcome: 'committed' | 'rolled-back'
  readonly cause?: unknown
}

interface CommitChecks {
  readonly hasMarker: () => boolean
  /** Before COMMIT is tried once more: throws if it should not be. */
  readonly check: () => void
}

const pollMs = 25

/**
 * COMMIT, durably (the connection was made so). `id` is stored in the same transaction: recovery looks for it, not for
 * the step. While readers of a rollback-mode database are in the way, COMMIT says busy and can be asked again. After any
 * other error only the data says what happened: the id where there is one, else the marker. A file that was replaced
 * meanwhile is not committed to; one that was replaced just then is an error, because only recovery can say.
 */
export async function commitTransaction(
  { connection, waitMs, signal, findReplaced }: OpenDatabase,
  id: string | null,
  { hasMarker, check }: CommitChecks,
): Promise<CommitResult> {
  const hasLanded = id === null ? hasMarker : (): boolean => hasCommit(connection, id)
  try {
    if (id !== null) recordCommit(connection, id, null)
  } catch (error) {
    return settleFailure(connection, hasLanded, error)
  }
  const started = performance.now()
  for (;;) {
    const replaced = findReplaced()
    if (replaced !== null) return settleFailure(connection, () => false, replaced)
    try {
      connection.exec('COMMIT')
      break
    } catch (error) {
      const isBusy = systemCode(error).startsWith('SQLITE_BUSY') && connection.inTransaction
      if (!isBusy || performance.now() - started >= waitMs || signal.aborted)
        return settleFailure(connection, hasLanded, error)
    }
    await sleep(pollMs)
    try {
      check()
    } catch (error) {
      return settleFailure(connection, hasLanded, error)
    }
  }
  const replaced = findReplaced()
  if (replaced !== null) throw replaced
  return { outcome: 'committed' }
}

function settleFailure(connection: Connection, hasLanded: () => boolean, cause: unknown): CommitResult {
  if (connection.inTransaction) connection.exec('ROLLBACK')
  return hasLanded() ? { outcome: 'committed' } : { outcome: 'rolled-back', cause }
}
