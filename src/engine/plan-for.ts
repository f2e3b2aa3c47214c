import { planDowngrade } from '../model/plan-downgrade.js'
import { planRun } from '../model/plan.js'
import type { Plan } from '../model/plan.js'
import type { Verdict } from '../model/verdict.js'
import type { ResolvedRun } from './resolved-run.js'

/** What a run would do to a state of which this was found. */
export type Wanted = Pick<ResolvedRun, 'direction' | 'targets'>

export function planFor({ direction, targets }: Wanted, verdicts: readonly Verdict[]): Plan {
  return direction === 'up' ? planRun(verdicts, targets) : planDowngrade(verdicts, targets ?? new Map())
}
