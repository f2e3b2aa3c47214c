import { throwIfAborted } from '../disk/breathe.js'
import { closeGate, holdShared, lockFilesExist } from '../drivers/lock.js'
import type { ExclusiveHold, SharedHold, WaitOptions } from '../drivers/lock.js'
import { isMoultError } from '../model/errors.js'
import { examineState } from './examine.js'
import type { Examination } from './examine.js'
import type { Scene } from './places.js'
import { planFor } from './plan-for.js'
import { refuseState } from './refuse-state.js'
import { Progress } from './report.js'
import type { ResolvedRun } from './resolved-run.js'
import type { RunLock } from './run-lock.js'

/**
 * Takes the lock for a run, unless there is nothing to run or nothing may be run. An examination without the lock may
 * say "go and look", never "refuse" (protocol 2): a refusal is final only when made while no run can be under way.
 */
export async function lockForRun(scene: Scene, run: ResolvedRun): Promise<RunLock> {
  await refuseEarly(scene, run)
  const waiting = waitingOf(run)
  throwIfAborted(run.signal)
  const gate = await closeGate(scene.root, waiting).catch(async (error: unknown) => {
    // What cannot be written needs no lock, as long as there is nothing to write
    if (isMoultError(error, 'READ_ONLY') && !isRunNeeded(await examineState(scene, run.onNewer), run)) return null
    throw error
  })
  if (gate === null) return sharedLock(await holdShared(scene.root, { ...waiting, readOnly: true }))
  try {
    // While we waited for the gate, the run that others made may have been the one we wanted
    if (!isRunNeeded(await examineState(scene, run.onNewer), run)) return sharedLock(await gate.downgradeToShared())
    return exclusiveLock(await gate.takeUse())
  } catch (error) {
    gate.release()
    throw error
  }
}

/** How this run waits for others. */
export function waitingOf({ waitMs, signal, onEvent }: ResolvedRun): WaitOptions {
  return { waitMs, signal, onWaiting: (holder, ms) => onEvent({ type: 'waiting', holder, ms }) }
}

function exclusiveLock(exclusive: ExclusiveHold): RunLock {
  return {
    isExclusive: true,
    locked: true,
    runId: exclusive.runId,
    fence: () => exclusive.fence(),
    keepOpen: () => exclusive.downgradeToShared(),
    release: () => exclusive.release(),
  }
}

function sharedLock(shared: SharedHold): RunLock {
  return {
    isExclusive: false,
    locked: shared.locked,
    runId: '',
    fence: () => {
      throw new TypeError('a shared hold commits nothing')
    },
    keepOpen: async () => shared,
    release: () => shared.release(),
  }
}

/** Whether all that is to be done is to try again what was left: the data is as current as it was. */
export function isOnlyRetry(examination: Examination, { goal }: Pick<ResolvedRun, 'goal'>): boolean {
  if (examination.unfinished || examination.refusals.length > 0) return false
  if (!examination.verdicts.some(({ retry }) => retry)) return false
  const { items } = planFor(goal, examination)
  return items.length > 0 && items.every(({ action }) => action === 'retry')
}

export function isRunNeeded(examination: Examination, { goal }: Pick<ResolvedRun, 'goal'>): boolean {
  if (examination.unfinished) return true
  const plan = planFor(goal, examination)
  return plan.items.length > 0 || plan.refusals.length > 0
}

/** Refuses before anything is created or waited for, not even `.moult/`. */
async function refuseEarly(scene: Scene, run: ResolvedRun): Promise<void> {
  const look = async (): Promise<{ examination: Examination; refusals: Examination['refusals'] }> => {
    const examination = await examineState(scene, run.onNewer)
    if (examination.unfinished) return { examination, refusals: [] }
    return { examination, refusals: planFor(run.goal, examination).refusals }
  }
  const hint = await look()
  if (hint.refusals.length === 0) {
    if (lockFilesExist(scene.root) || !isRunNeeded(hint.examination, run)) return
    const { refuseForeignFiles } = await import('./foreign-files.js')
    return refuseState(scene, new Progress(), hint.examination, await refuseForeignFiles(scene), { locked: false })
  }
  if (!lockFilesExist(scene.root)) {
    const second = await look()
    if (!lockFilesExist(scene.root))
      refuseState(scene, new Progress(), second.examination, second.refusals, { locked: false })
    return
  }
  const hold = await holdShared(scene.root, { waitMs: run.waitMs, signal: run.signal, readOnly: true })
  try {
    const second = await look()
    refuseState(scene, new Progress(), second.examination, second.refusals, { locked: hold.locked })
  } finally {
    hold.release()
  }
}
