/** What to do with data from a newer program: go on if its floor permits, refuse, or go on in any case. */
export type NewerPolicy = 'floor' | 'refuse' | 'continue'

/** What to do when the state is behind. */
export type PendingPolicy = 'upgrade' | 'refuse' | 'continue'

/** Whether a program that knows `head` may use data at `version` that needs at least `floor`. */
export function mayUseNewer(policy: NewerPolicy, floor: number, head: number): boolean {
  if (policy === 'continue') return true
  return policy === 'floor' && floor <= head
}

/**
 * Whether a run makes a verified backup before its first write. `required`: without one nothing is begun. `try`: it goes
 * on without, with a warning. `none`: what was committed stays when a later step fails.
 */
export type BackupPolicy = 'required' | 'try' | 'none'
