import { isMoultError } from '../model/errors.js'
import type { MoultError } from '../model/errors.js'
import type { Outcome } from '../model/report.js'
import { examineState } from './examine.js'
import { exists } from './places.js'
import type { Scene } from './places.js'
import { reportRun } from './report.js'
import type { Progress } from './report.js'
import type { ResolvedRun } from './resolved-run.js'

/** `locking`: other processes may be in a run. `locked`: nobody else is. */
export type Phase = 'locking' | 'locked'

/** What is thrown before a run has begun gets its report too, unless it has one: an error of locking or of recovery. */
export async function attachReport(
  scene: Scene,
  run: Pick<ResolvedRun, 'onNewer'>,
  progress: Progress,
  error: unknown,
  phase: Phase,
): Promise<void> {
  if (!isMoultError(error) || error.report !== undefined || progress.committedStores.length > 0) return
  const locked = phase === 'locked' && error.code !== 'LOCK_LOST'
  const ending = { outcome: outcomeOf(scene, error, phase), locked }
  try {
    const { verdicts } = await examineState(scene, run.onNewer)
    error.report = reportRun(scene, progress, { ...ending, verdicts })
  } catch {
    error.report = reportRun(scene, progress, { ...ending, verdicts: [] })
  }
}

/** A run that somebody is in the middle of is not one that was cut off. */
function outcomeOf(scene: Scene, { code }: MoultError, phase: Phase): Outcome {
  const isOthers = phase === 'locking' && ['LOCKED', 'IN_USE', 'INTERRUPTED'].includes(code)
  if (isOthers || !hasRun(scene)) return 'refused'
  return code === 'DAMAGED' ? 'damaged' : 'unfinished'
}

function hasRun(scene: Scene): boolean {
  try {
    return exists(scene.runFolder)
  } catch {
    return false
  }
}
