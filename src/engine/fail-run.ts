import { workOf } from '../backup/backup-for-run.js'
import { isMoultError, MoultFailure } from '../model/errors.js'
import type { Outcome } from '../model/report.js'
import { examineState } from './examine.js'
import { explain } from './explain.js'
import { closeJournal } from './journal.js'
import type { RunLock } from './run-lock.js'
import type { Scene } from './places.js'
import { reportRun } from './report.js'
import type { Progress } from './report.js'
import type { ResolvedRun } from './resolved-run.js'
import { writeHistory } from './write-history.js'

/**
 * What to throw when a run did not reach its end: the first cause, with a report of what the state is now. By then every
 * store that was not committed is as it was before the run. An error that nobody foresaw is returned as it is, and the
 * journal stays for the next start. Without the lock nothing is cleaned up: it may be another run's by now.
 */
export async function failRun(
  scene: Scene,
  run: ResolvedRun,
  progress: Progress,
  lock: RunLock,
  cause: unknown,
): Promise<unknown> {
  const error = explain(cause, run.signal)
  const lost = findLoss(lock, error)
  if (lost !== null) return failWithoutLock(scene, run, progress, lost)
  if (!isMoultError(error)) return error
  let keepsJournal = isOpenEnded(error)
  if (!keepsJournal && progress.committedStores.length > 0)
    keepsJournal = isOpenEnded(await undoCommits(scene, run, progress, lock, error))
  progress.undoUncommitted()
  const stays = progress.committedStores
  const outcome: Outcome =
    error.code === 'DAMAGED' ? 'damaged' : keepsJournal || stays.length > 0 ? 'unfinished' : 'put-back'
  if (stays.length > 0) {
    error.message +=
      run.goal.is === 'downgrade'
        ? ` Steps of ${stays.join(', ')} had been undone before and stay so; each of them is whole, and the same downgrade goes on from there.`
        : ` Steps of ${stays.join(', ')} had been committed before and stay; each of them is whole, and the next ${run.goal.is} goes on from there.`
  } else if (outcome === 'put-back') {
    error.message += ' Every store is as it was before.'
  }
  writeHistory(scene, run, progress, lock, error)
  try {
    if (!keepsJournal) await closeJournal(scene, lock)
    const { verdicts } = await examineState(scene, run.onNewer)
    error.report = reportRun(scene, progress, { outcome, verdicts, locked: true })
  } catch {
    // The first cause is the one to throw; what could not be cleaned up is cleaned up by the next start.
    error.report = reportRun(scene, progress, { outcome, verdicts: [], locked: true })
  }
  return error
}

/** Then the journal says what is still to be done, and the next start needs it. */
function isOpenEnded(error: unknown): boolean {
  return isMoultError(error, 'UNFINISHED') || isMoultError(error, 'DAMAGED') || isMoultError(error, 'LOCK_LOST')
}

/** LOCK_LOST with what came before it as its cause, or null while the lock is certainly still ours. */
function findLoss(lock: RunLock, error: unknown): MoultFailure<'LOCK_LOST'> | null {
  if (isMoultError(error, 'LOCK_LOST')) return error
  try {
    lock.fence()
    return null
  } catch (loss) {
    if (!isMoultError(loss, 'LOCK_LOST')) throw loss
    const { message, hint, details } = loss
    const before = error instanceof Error ? ` This was found when the run had failed: ${error.message}` : ''
    return new MoultFailure('LOCK_LOST', { message: message + before, hint, details, cause: error })
  }
}

/** The journal stays: whoever has the lock now, or takes it next, finishes or undoes what it says. */
async function failWithoutLock(
  scene: Scene,
  run: ResolvedRun,
  progress: Progress,
  error: MoultFailure<'LOCK_LOST'>,
): Promise<MoultFailure<'LOCK_LOST'>> {
  progress.undoUncommitted()
  const ending = { outcome: 'unfinished', locked: false } as const
  try {
    const { verdicts } = await examineState(scene, run.onNewer)
    error.report = reportRun(scene, progress, { ...ending, verdicts })
  } catch {
    error.report = reportRun(scene, progress, { ...ending, verdicts: [] })
  }
  return error
}

/** What the run had committed before it failed is taken back from its backup; what cannot be, stays. Answers why. */
async function undoCommits(
  scene: Scene,
  run: ResolvedRun,
  progress: Progress,
  lock: RunLock,
  error: MoultFailure,
): Promise<unknown> {
  if (progress.backup === null) return null
  try {
    await closeJournal(scene, lock)
    const { putBackFromBackup } = await import('../backup/restore.js')
    await putBackFromBackup(workOf(scene, run), progress.backup, lock)
    progress.forgetCommits()
    return null
  } catch (cause) {
    error.message += ` It could not be put back from the backup ${progress.backup}: ${cause instanceof Error ? cause.message : String(cause)}`
    return cause
  }
}
