import type { LeftDocument } from './marker.js'

export type Status =
  'current' | 'behind' | 'fresh' | 'legacy' | 'newer' | 'too-old' | 'diverged' | 'edited' | 'unreadable'
/** `behind`: opened as it is, since `onPending: 'continue'` asked for that. */
export type Outcome =
  | 'up-to-date'
  | 'behind'
  | 'upgraded'
  | 'downgraded'
  | 'stamped'
  | 'refused'
  | 'put-back'
  | 'restored'
  | 'damaged'
  | 'unfinished'

/** What is known of one store after an examination. */
export interface StoreReport {
  readonly name: string
  readonly kind: string
  /** Relative to the root, with `/`. */
  readonly path: string
  readonly status: Status
  /** The place of the last applied step; null when the store has no marker that can be read. */
  readonly version: number | null
  /** The version this program brings the store to. */
  readonly head: number
  /** Programs need at least this version; null when there is no marker that can be read. */
  readonly floor: number | null
  /**
   * Names of the steps that are still to be applied; a plugin's as `track/step`. `left documents`: some that were left
   * have changed or are gone, and an upgrade tries them again.
   */
  readonly pending: readonly string[]
  /** Plugins' lists of steps. `head` is null for a track that this program does not define. */
  readonly tracks: Readonly<Record<string, { readonly version: number; readonly head: number | null }>>
  /** Documents that could not be brought forward and were left as they are. */
  readonly left: readonly Omit<LeftDocument, 'seen'>[]
  /** Applied steps whose checksum cannot be compared because one side has none. */
  readonly unchecked: readonly string[]
}

export interface StatusReport {
  readonly root: string
  readonly stores: readonly StoreReport[]
  /** Files in the root that belong to no store; looked for only on request, else null. */
  readonly unclaimed: readonly string[] | null
  /** A run was cut off here; the next start finishes or undoes it. */
  readonly unfinished: boolean
  /** What stands in the way of an upgrade or of opening the state, store by store. */
  readonly problems: readonly Problem[]
}

export interface Problem {
  readonly store: string | null
  readonly code: string
  readonly message: string
  readonly hint: string
}

export interface ChangeCounts {
  readonly filesAdded: number
  readonly filesChanged: number
  readonly filesRemoved: number
  /** Documents rewritten by a records store. */
  readonly records: number
  /** Rows inserted, changed or deleted by statements; null where there are no rows. */
  readonly rows: number | null
}

export const noChanges: ChangeCounts = { filesAdded: 0, filesChanged: 0, filesRemoved: 0, records: 0, rows: null }

export function addChanges(one: ChangeCounts, other: ChangeCounts): ChangeCounts {
  return {
    filesAdded: one.filesAdded + other.filesAdded,
    filesChanged: one.filesChanged + other.filesChanged,
    filesRemoved: one.filesRemoved + other.filesRemoved,
    records: one.records + other.records,
    rows: one.rows === null && other.rows === null ? null : (one.rows ?? 0) + (other.rows ?? 0),
  }
}

export interface StepReport {
  readonly store: string
  readonly track: string
  readonly step: string
  readonly direction: 'up' | 'down'
  /** `accepted`: its edit was, and it did not run. `stamped`: it was said to be applied, and did not run. */
  readonly result: 'done' | 'skipped' | 'failed' | 'undone' | 'accepted' | 'stamped'
  readonly ms: number
  readonly changes: ChangeCounts
  /** Why a step was skipped, stamped or failed. */
  readonly reason?: string
  /** Of an accepted edit: the checksum that the marker had. */
  readonly was?: string
}

/** What a dry run found out, besides what a run reports. */
export interface Rehearsal {
  /** Space that the copies took. A run needs about as much for its backup, and as much again for what it changes. */
  readonly bytes: number
  readonly stores: readonly StoreChanges[]
}

/** What became of one store in a dry run. */
export interface StoreChanges {
  readonly store: string
  /** Of a database: table by table; null for files. */
  readonly tables: Readonly<
    Record<string, { readonly added: number; readonly removed: number; readonly changed: number }>
  > | null
  /** Objects of a database's schema, as `table item`. */
  readonly schema: {
    readonly added: readonly string[]
    readonly removed: readonly string[]
    readonly changed: readonly string[]
  } | null
  /** Of a store of files: how many, and the first of them by name. */
  readonly files: Readonly<
    Record<'added' | 'removed' | 'changed', { readonly count: number; readonly examples: readonly string[] }>
  > | null
}

export interface RunReport {
  readonly outcome: Outcome
  readonly root: string
  readonly dryRun: boolean
  readonly stores: readonly StoreReport[]
  readonly steps: readonly StepReport[]
  /** What was finished or undone of an earlier run that had been cut off. */
  readonly recovered: 'forward' | 'back' | null
  /** The backup that was made, or found, before the first write; of a restore, the one that has what was there. */
  readonly backup: string | null
  /** What a dry run would have changed; null where it was none. */
  readonly rehearsal: Rehearsal | null
  /** Whether the state is guarded by moult's lock; false on a read-only file system without lock files. */
  readonly locked: boolean
}

/** What an upgrade would do. */
export interface PlanReport {
  readonly root: string
  readonly steps: readonly PlannedStep[]
  /** Why an upgrade would be refused; then there are no steps. */
  readonly refusals: readonly Problem[]
  /** A run was cut off here; an upgrade first finishes or undoes it, which can change this plan. */
  readonly unfinished: boolean
}

export interface PlannedStep {
  readonly store: string
  readonly track: string
  readonly step: string
  /** Why it stands where it does. */
  readonly because: string
}
