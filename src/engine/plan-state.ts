import { flatName, retryName } from '../model/plan.js'
import type { PlanItem } from '../model/plan.js'
import type { PlanReport, PlannedStep } from '../model/report.js'
import type { Targets } from '../model/target.js'
import { examineState } from './examine.js'
import { planFor } from './plan-for.js'
import type { Scene } from './places.js'
import { reportProblem } from './report.js'

/** What an upgrade would do, from an examination without the lock. */
export async function planState(scene: Scene, targets: Targets | null): Promise<PlanReport> {
  const { verdicts, refusals, unfinished } = await examineState(scene)
  const plan = planFor({ is: 'upgrade', targets }, { verdicts, refusals })
  return {
    root: scene.root,
    steps: plan.items.flatMap(describeItem),
    refusals: plan.refusals.map(reportProblem),
    unfinished,
  }
}

function describeItem(item: PlanItem): PlannedStep[] {
  const { store, because } = item
  switch (item.action) {
    case 'step':
    case 'undo':
      return [{ store, track: item.track, step: item.step.name, because }]
    case 'flat':
      return [{ store, track: '', step: flatName, because }]
    case 'start':
      return [{ store, track: '', step: item.fresh ? 'start' : 'adopt', because }]
    case 'accept':
      return item.edits.map(({ track, step }) => ({ store, track, step: step.name, because }))
    case 'stamp':
      return item.stamp.entries.map(({ track, name }) => ({ store, track, step: name, because }))
    case 'retry':
      return [{ store, track: '', step: retryName, because }]
  }
}
