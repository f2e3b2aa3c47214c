import { removeRunFolder } from '../disk/run-folder.js'
import { MoultFailure, isMoultError, systemCode } from '../model/errors.js'
import type { MoultError } from '../model/errors.js'
import type { Outcome } from '../model/report.js'
import { examineState } from './examine.js'
import { readJournal } from './journal.js'
import type { RunLock } from './lock-for-run.js'
import type { Scene } from './places.js'
import { reportRun } from './report.js'
import type { Progress } from './report.js'
import type { ResolvedRun } from './run.js'
import { writeHistory } from './write-history.js'

/**
 * What to throw when a run did not reach its end: the first cause, with a report of what the state is now. By then every
 * store that was not committed is as it was before the run.
 */
export async function failRun(scene: Scene, run: ResolvedRun, progress: Progress, lock: RunLock, cause: unknown): Promise<MoultError> {
  const error = explain(cause, run)
  const keepsJournal = error.code === 'UNFINISHED' || error.code === 'DAMAGED'
  progress.undoUncommitted()
  const stays = progress.committedStores
  const outcome: Outcome = error.code === 'DAMAGED' ? 'damaged' : keepsJournal || stays.length > 0 ? 'unfinished' : 'put-back'
  if (stays.length > 0) {
    error.message += ` Steps of ${stays.join(', ')} had been committed before and stay; each of them is whole, and the next upgrade goes on from there.`
  } else if (outcome === 'put-back') {
    error.message += ' Every store is as it was before.'
  }
  writeHistory(scene, run, progress, lock, error)
  try {
    if (!keepsJournal) await removeRunFolder(scene.root, readJournal(scene)?.staging ?? [])
    const { verdicts } = await examineState(scene, run.onNewer)
    error.report = reportRun(scene, progress, { outcome, verdicts, locked: true })
  } catch {
    // The first cause is the one to throw; what could not be cleaned up is cleaned up by the next start.
    error.report = reportRun(scene, progress, { outcome, verdicts: [], locked: true })
  }
  return error
}

function explain(cause: unknown, run: ResolvedRun): MoultError {
  if (isMoultError(cause)) return cause
  if (run.signal.aborted) {
    return new MoultFailure('INTERRUPTED', { message: 'The upgrade was interrupted.', hint: 'Start again when you are ready.', details: {}, cause })
  }
  const code = systemCode(cause)
  const text = cause instanceof Error ? cause.message : String(cause)
  if (['ENOSPC', 'EDQUOT', 'SQLITE_FULL'].includes(code)) {
    return new MoultFailure('NO_SPACE', { message: `The disk is full: ${text}.`, hint: 'Free some space and start again.', details: {}, cause })
  }
  if (['EACCES', 'EPERM'].includes(code)) {
    return new MoultFailure('NO_PERMISSION', { message: `A file cannot be read or written: ${text}.`, hint: 'Start the program as the user that the state belongs to.', details: {}, cause })
  }
  if (code === 'EROFS' || code === 'SQLITE_READONLY') {
    return new MoultFailure('READ_ONLY', { message: `The state cannot be written: ${text}.`, hint: 'Make its file system writable and start again.', details: {}, cause })
  }
  return new MoultFailure('DISK_FAILED', { message: `The upgrade failed: ${text}.`, hint: 'Look at the cause, mend it and start again.', details: {}, cause })
}
