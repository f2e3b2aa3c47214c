import type { StatusReport } from '../model/report.js'
import { examineState } from './examine.js'
import type { Scene } from './places.js'
import { reportProblem, reportStore } from './report.js'

/** What there is, without the lock: another process may be about to change it. Reads markers, changes nothing. */
export async function reportStatus(scene: Scene, options: { readonly unclaimed: boolean }): Promise<StatusReport> {
  const { verdicts, unfinished, refusals } = await examineState(scene)
  return {
    root: scene.root,
    stores: verdicts.map(reportStore),
    unclaimed: options.unclaimed ? await (await import('./unclaimed.js')).findUnclaimed(scene) : null,
    unfinished,
    problems: refusals.map(reportProblem),
  }
}
