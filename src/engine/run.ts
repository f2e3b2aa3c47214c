import { keepTimes } from '../disk/staging.js'
import { isMoultError } from '../model/errors.js'
import type { RunReport } from '../model/report.js'
import { cutSegments, deciders } from '../model/segments.js'
import { attachReport } from './attach-report.js'
import { carryOut } from './carry-out.js'
import { backupForRun, pruneAfterRun } from '../backup/backup-for-run.js'
import { examineState } from './examine.js'
import type { Examination } from './examine.js'
import { explain } from './explain.js'
import { failRun } from './fail-run.js'
import { finishCutOff } from './finish-cut-off.js'
import { refuseForeignFiles } from './foreign-files.js'
import { reached } from './goal.js'
import { lockForRun, waitingOf } from './lock-for-run.js'
import { exists } from './places.js'
import type { Scene } from './places.js'
import { planFor } from './plan-for.js'
import { preflight } from './preflight.js'
import { refuseState } from './refuse-state.js'
import { Progress, reportRun } from './report.js'
import type { ResolvedRun } from './resolved-run.js'
import type { RunLock } from './run-lock.js'
import { warnOfKept } from './warn-of-kept.js'
import { warnOfPaths } from './warn-of-paths.js'

export interface FinishedRun {
  readonly report: RunReport
  /** Still held: the caller goes on with the state, or lets it go. */
  readonly lock: RunLock
}

/**
 * Brings a state to its goal, forward, back or by a stamp: lock, finish or undo what a crash left, examine, plan, make
 * sure that it can be done, back up, do it, commit. Throws a MoultError with a report when the goal was not reached; what
 * the state is then, the error's code and message say.
 */
export async function bringToTarget(scene: Scene, run: ResolvedRun): Promise<FinishedRun> {
  const progress = new Progress()
  const putTimesBack = keepTimes([scene.root])
  const hadHome = exists(scene.home)
  const lock = await lockForRun(scene, run).catch(async (cause: unknown) => {
    if (!hadHome) putTimesBack()
    const error = explain(cause, run.signal)
    await attachReport(scene, run, progress, error, 'locking')
    throw error
  })
  try {
    if (!lock.isExclusive) return { report: await reportNow(scene, run, progress, 'up-to-date', lock), lock }

    progress.recovered = await finishCutOff(scene, {
      driver: run.driver,
      waiting: waitingOf(run),
      onEvent: run.onEvent,
      fence: () => lock.fence(),
    })
    if (progress.recovered === 'forward') await warnOfKept(scene, run.onEvent)
    const examination = await examineState(scene, run.onNewer)
    const plan = planFor(run.goal, examination)
    refuseState(scene, progress, examination, plan.refusals, lock)
    refuseState(scene, progress, examination, await refuseForeignFiles(scene), lock)
    if (plan.items.length === 0) return { report: await reportNow(scene, run, progress, 'up-to-date', lock), lock }

    const segments = cutSegments(plan.items, deciders(examination.verdicts))
    run.onEvent({ type: 'planned', steps: plan.items.length })
    await warnOfPaths(scene, examination.verdicts, run)
    try {
      progress.backup = await backUp(scene, run, examination)
      preflight(scene, plan.items, lock)
      await carryOut(scene, run, segments, examination.verdicts, progress, lock)
    } catch (error) {
      const failure = await failRun(scene, run, progress, lock, error)
      // The first run ever makes .moult/, which is the only trace that a run leaves that was put back
      if (isMoultError(failure) && failure.report?.outcome === 'put-back') putTimesBack()
      throw failure
    } finally {
      await pruneAfterRun(scene, run, lock)
    }
    return { report: await reportNow(scene, run, progress, reached[run.goal.is], lock), lock }
  } catch (error) {
    const failure = explain(error, run.signal)
    await attachReport(scene, run, progress, failure, 'locked')
    lock.release()
    throw failure
  }
}

/** A state in which nothing is yet has nothing to lose. */
async function backUp(scene: Scene, run: ResolvedRun, { verdicts }: Examination): Promise<string | null> {
  if (verdicts.every(({ status }) => status === 'fresh')) return null
  return backupForRun(scene, run)
}

async function reportNow(
  scene: Scene,
  run: ResolvedRun,
  progress: Progress,
  outcome: RunReport['outcome'],
  lock: RunLock,
): Promise<RunReport> {
  const { verdicts } = await examineState(scene, run.onNewer)
  return reportRun(scene, progress, { outcome, verdicts, locked: lock.locked })
}
