import { planDowngrade } from '../model/plan-downgrade.js'
import { planStamp } from '../model/plan-stamp.js'
import { planRun } from '../model/plan.js'
import type { Plan } from '../model/plan.js'
import { stepAt } from '../model/step.js'
import { entryFor } from './entry-for.js'
import type { Examination } from './examine.js'
import type { Goal } from './goal.js'

/** What a run would do to the state that was found, or why it would be refused. */
export function planFor(goal: Goal, { verdicts, refusals }: Pick<Examination, 'verdicts' | 'refusals'>): Plan {
  // Many a refusal asks for a stamp, so it is the stamp's to judge them
  if (goal.is === 'stamp')
    return planStamp(verdicts, goal.targets, goal.reason, (lane, place, how) =>
      entryFor(goal.by, lane.track, place, lane.names[place - 1] ?? '', stepAt(lane, place), {
        arrival: 'stamped',
        ...how,
      }),
    )
  if (refusals.length > 0) return { items: [], refusals }
  return goal.is === 'upgrade' ? planRun(verdicts, goal.targets) : planDowngrade(verdicts, goal.targets)
}
