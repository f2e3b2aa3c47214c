import type { DatabaseCode } from '../model/database-code.js'
import type { Driver } from '../model/driver.js'
import type { Listener } from '../model/events.js'
import type { BackupPolicy, NewerPolicy } from '../model/policy.js'
import type { Goal } from './goal.js'

/** What a run was asked to do, every default applied. */
export interface ResolvedRun {
  readonly goal: Goal
  readonly onNewer: NewerPolicy | null
  readonly waitMs: number
  readonly signal: AbortSignal
  readonly onEvent: Listener
  readonly driver: () => Promise<Driver>
  readonly databases: () => Promise<DatabaseCode>
  readonly backup: BackupPolicy
  /** It is a rehearsal on a copy: steps are told so. */
  readonly dryRun: boolean
  /** How many of the backups that runs and restores made stay. */
  readonly keepBackups: number
}
