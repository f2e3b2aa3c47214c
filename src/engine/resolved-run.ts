import type { Driver } from '../model/driver.js'
import type { Listener } from '../model/events.js'
import type { NewerPolicy } from '../model/policy.js'
import type { Targets } from '../model/target.js'

/** What a run was asked to do, every default applied. */
export interface ResolvedRun {
  readonly targets: Targets | null
  readonly onNewer: NewerPolicy | null
  readonly waitMs: number
  readonly signal: AbortSignal
  readonly onEvent: Listener
  readonly driver: () => Promise<Driver>
}
