import { holdShared, lockFilesExist } from '../drivers/lock.js'
import type { SharedHold } from '../drivers/lock.js'
import { isMoultError, MoultFailure } from '../model/errors.js'
import type { PendingPolicy } from '../model/policy.js'
import type { RunReport } from '../model/report.js'
import { attachReport } from './attach-report.js'
import { examineState } from './examine.js'
import type { Examination } from './examine.js'
import { isOnlyRetry, isRunNeeded } from './lock-for-run.js'
import type { Scene } from './places.js'
import { refuseState } from './refuse-state.js'
import { Progress, reportRun } from './report.js'
import type { ResolvedRun } from './resolved-run.js'

export interface ResolvedOpen extends ResolvedRun {
  readonly onPending: PendingPolicy
  readonly access: 'write' | 'read'
}

export interface Opened {
  readonly report: RunReport
  readonly hold: SharedHold
}

/**
 * What an app does when it starts: gate and use shared, examine; if the app may go on, let the gate go and keep `use`.
 * If the state is behind, both are let go and a run is made. A state that is up to date has its markers read and its
 * two lock files opened, nothing else (G9).
 */
export async function openState(scene: Scene, run: ResolvedOpen): Promise<Opened> {
  try {
    return (await tryOpen(scene, run)) ?? (await openByRetry(scene, run))
  } catch (error) {
    await attachReport(scene, run, new Progress(), error, 'locking')
    throw error
  }
}

/**
 * Documents that were left are tried again if that can be done at once. Else the app starts as it would have without:
 * others have the state open, it cannot be written, or a document that was mended meets a defect in a record's change.
 */
async function openByRetry(scene: Scene, run: ResolvedOpen): Promise<Opened> {
  try {
    return await openByRun(scene, { ...run, waitMs: 0 })
  } catch (error) {
    if (!isMoultError(error) || error.code === 'INTERRUPTED') throw error
    run.onEvent({ type: 'warning', code: error.code, message: `What was left was not tried again. ${error.message}` })
    const opened = await tryOpen(scene, run, 'leave')
    if (opened === null) throw error
    return opened
  }
}

/** Null when there is nothing to do but to try again what was left, which has not been begun. */
async function tryOpen(scene: Scene, run: ResolvedOpen, retries: 'try' | 'leave' = 'try'): Promise<Opened | null> {
  const isFirstTime = !lockFilesExist(scene.root)
  if (isFirstTime && run.access === 'write') {
    // Nobody has ever locked this state, so nothing is made for one that will be refused
    const hint = await examineState(scene, run.onNewer)
    const decision = decideOpen(hint, run, retries)
    if (decision === 'retry') return null
    if (decision === 'run') return await openByRun(scene, run)
    if (isRefused(hint, run)) {
      const second = await examineState(scene, run.onNewer)
      if (!lockFilesExist(scene.root)) {
        refusePending(scene, second, run)
        refuseState(scene, new Progress(), second, second.refusals, { locked: false })
      }
    }
  }
  const hold = await holdShared(scene.root, {
    waitMs: run.waitMs,
    signal: run.signal,
    onWaiting: (holder, ms) => run.onEvent({ type: 'waiting', holder, ms }),
    create: run.access === 'write',
    readOnly: run.access === 'read',
  })
  try {
    const examination = await examineState(scene, run.onNewer)
    const decision = decideOpen(examination, run, retries)
    if (decision !== 'go-on') {
      hold.release()
      return decision === 'retry' ? null : await openByRun(scene, run)
    }
    refusePending(scene, examination, run)
    refuseState(scene, new Progress(), examination, examination.refusals, hold)
    hold.dropGate()
    return {
      hold,
      report: reportRun(scene, new Progress(), {
        outcome: isPending(examination, run) ? 'behind' : 'up-to-date',
        verdicts: examination.verdicts,
        locked: hold.locked,
      }),
    }
  } catch (error) {
    hold.release()
    throw error
  }
}

function decideOpen(examination: Examination, run: ResolvedOpen, retries: 'try' | 'leave'): 'run' | 'retry' | 'go-on' {
  if (run.access === 'read' || run.onPending !== 'upgrade') return 'go-on'
  if (examination.unfinished) return 'run'
  if (isOnlyRetry(examination, run)) return retries === 'try' ? 'retry' : 'go-on'
  return examination.refusals.length === 0 && isRunNeeded(examination, run) ? 'run' : 'go-on'
}

/** Whether data is still in an old release's shape; that documents were left is no hindrance. */
function isPending(examination: Examination, run: ResolvedOpen): boolean {
  return isRunNeeded(examination, run) && !isOnlyRetry(examination, run)
}

async function openByRun(scene: Scene, run: ResolvedOpen): Promise<Opened> {
  const { bringToTarget } = await import('./run.js')
  const { report, lock } = await bringToTarget(scene, run)
  return { report, hold: await lock.keepOpen() }
}

function isRefused(examination: Examination, run: ResolvedOpen): boolean {
  if (examination.refusals.length > 0 || examination.unfinished) return true
  return run.onPending !== 'continue' && isPending(examination, run)
}

/** Somebody who may not upgrade goes on with a state that is behind only if told to, and never with half of a run. */
function refusePending(scene: Scene, examination: Examination, run: ResolvedOpen): void {
  if (examination.unfinished) {
    throw withReport(
      new MoultFailure('UNFINISHED', {
        message: `An upgrade of ${scene.root} was cut off and is not finished. Nothing was changed.`,
        hint: 'Start the program that may upgrade it: it finishes or undoes what was left.',
        details: { path: scene.runFolder },
      }),
      scene,
      examination,
    )
  }
  if (examination.refusals.length > 0 || !isRefused(examination, run)) return
  const behind = examination.verdicts
    .filter(
      ({ status, lanes }) =>
        (status !== 'current' && status !== 'newer') || lanes.some(({ accepted }) => accepted.length > 0),
    )
    .map(({ spec }) => spec.name)
  throw withReport(
    new MoultFailure('UPGRADE_PENDING', {
      message: `${scene.root} needs an upgrade first (${behind.join(', ')}), and this program was told not to make it. Nothing was changed.`,
      hint: 'Start the program that upgrades it, or run the upgrade command.',
      details: { path: scene.root },
    }),
    scene,
    examination,
  )
}

function withReport<E extends MoultFailure>(failure: E, scene: Scene, examination: Examination): E {
  failure.report = reportRun(scene, new Progress(), {
    outcome: 'refused',
    verdicts: examination.verdicts,
    locked: false,
  })
  return failure
}
