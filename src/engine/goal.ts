import type { Outcome } from '../model/report.js'
import type { Targets } from '../model/target.js'
import type { Program } from '../model/verdict.js'

/** What a run is to bring about. Lists of steps that no target names stay where they are. */
export type Goal =
  /** Null: everything, to its newest version. */
  | { readonly is: 'upgrade'; readonly targets: Targets | null }
  /** The steps past the targets are undone. */
  | { readonly is: 'downgrade'; readonly targets: Targets }
  /** The markers say that the targets are reached, and no step runs. */
  | { readonly is: 'stamp'; readonly targets: Targets; readonly reason: string; readonly by: Program }

/** How the report calls a run that got there. */
export const reached: Readonly<Record<Goal['is'], Outcome>> = {
  upgrade: 'upgraded',
  downgrade: 'downgraded',
  stamp: 'stamped',
}
