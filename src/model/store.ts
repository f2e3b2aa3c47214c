import type { Claim } from './claim.js'
import type { Driver } from './driver.js'
import type { Marker, MarkerEntry, Touch } from './marker.js'
import type { NewerPolicy } from './policy.js'
import type { ChangeCounts, Problem } from './report.js'
import type { Lane, Step } from './step.js'
import type { WarningCode } from './warnings.js'

/**
 * A named part of the state with a schema of its own. Frozen data, recognised by its brand; what moult needs of it is
 * under `~store`.
 */
export interface Store<N extends string = string> {
  readonly '~moult': 1
  readonly name: N
  readonly kind: string
  readonly '~store': StoreSpec
}

/** What the rest of moult knows of a store. It never asks for the kind, only for what the kind supports. */
export interface StoreSpec {
  readonly name: string
  readonly kind: string
  /** Relative to the root, normalised, with `/`; `''` is the root itself. */
  readonly path: string
  /** What belongs to the store: a directory with patterns, or single files. */
  readonly extent: Extent
  readonly lane: Lane
  /** What a fresh store gets instead of the steps up to this place. */
  readonly flat: { readonly place: number } | null
  /** The place at which data without a marker stands, or null: refuse it. */
  readonly adopt: number | null
  /** Its documents say their versions themselves, so that a lost marker loses nothing. */
  readonly describesItself: boolean
  /** Its steps can have checksums; versions of records cannot. */
  readonly hasChecksums: boolean
  readonly onNewer: NewerPolicy | null
  /** Its COMMIT can decide for other stores of the same step. */
  readonly decides: boolean
  /** Whether its content can be shown as it was at `place` when it stands at `from` and the steps between are not additive. */
  readonly servesPast: (place: number, from: number) => boolean
  readonly code: StoreCode
  /** The kind's own options, read by its code only. */
  readonly own: unknown
}

export type Extent =
  | {
      readonly is: 'directory'
      readonly files: readonly string[]
      readonly ignore: readonly string[]
      readonly derived: readonly string[]
      readonly marker: string
    }
  | { readonly is: 'file'; readonly marker: string }
  | { readonly is: 'database'; readonly sidecars: readonly string[] }

/** A store in a state in a root. */
export interface Place {
  readonly spec: StoreSpec
  /** Plugins' lists of steps on this store. */
  readonly tracks: readonly Lane[]
  /** Real, absolute path of the state's root. */
  readonly root: string
  /** Absolute path of the store. */
  readonly path: string
  readonly claim: Claim
}

/** What an examination found, before anybody judges it. */
export type Found =
  /** No marker and no data. `exists`: the directory or file itself is there. */
  | { readonly is: 'nothing'; readonly exists: boolean }
  /** Data without a marker. `adopt` overrules the definition: where the data itself shows that it may not be adopted. */
  | { readonly is: 'data'; readonly adopt?: { readonly refusedBecause: string } }
  /** `retry`: documents that were left have changed or are gone since. */
  | { readonly is: 'marked'; readonly marker: Marker; readonly retry?: boolean }
  | {
      readonly is: 'unreadable'
      readonly code: 'MARKER_UNREADABLE' | 'STORE_UNREADABLE' | 'NO_PERMISSION'
      readonly reason: string
      readonly hint: string
      /** The marker is moult's and of this store, and says nothing that can be believed: a stamp may replace it. */
      readonly damaged?: boolean
    }
  /** Somebody kept writing while we looked. */
  | { readonly is: 'busy' }

/** What a kind of store can do. Each part is loaded when it is first used: an examination loads no driver. */
export interface StoreCode {
  /** Reads the marker, and nothing else when there is one and nothing was left. Takes no lock, changes no byte. */
  examine(place: Place): Promise<Found>
  /** `expected` is the marker the plan was made for; if another is found, STORE_CHANGED. */
  begin(place: Place, run: RunScope, expected: Marker | null): Promise<StoreTransaction>
  /** Looks at everything: content, not only the marker. Changes no byte. */
  verify(place: Place, scope: VerifyScope): Promise<readonly Problem[]>
}

export interface RunScope {
  /** Absolute path of `.moult/run`. */
  readonly runFolder: string
  /** The marker is about to be replaced: one that is damaged is taken for none. */
  readonly replacesMarker?: boolean
  readonly driver: () => Promise<Driver>
  readonly signal: AbortSignal
  readonly waitMs: number
  readonly warn: (code: WarningCode, message: string) => void
}

export interface VerifyScope {
  readonly driver: () => Promise<Driver>
}

/** What step code gets besides its own store. */
export interface StepContext {
  readonly signal: AbortSignal
  readonly dryRun: boolean
  progress(done: number, total?: number): void
  skip(reason: string): never
}

/** A view of a store for another store's step. It is dead once the step has ended. */
export interface View {
  readonly value: unknown
  /** What was changed through it. Before `undo` and `expire`. */
  changes(): ChangeCounts
  /** Takes back what was written through it: the step was skipped. Before `expire`. */
  undo(): void
  /** Throws if the step's code still uses it, or has lost the transaction. */
  expire(): void
}

export interface Applied {
  readonly result: 'done' | 'skipped'
  readonly reason?: string
  readonly changes: ChangeCounts
}

/**
 * A store while a run works on it: everything it does stays invisible to others until the commit, and `rollback`
 * leaves the store byte for byte as it was.
 */
export interface StoreTransaction {
  readonly store: string
  /** Runs `up`, then `validate`, then the kind's own checks. Throws what went wrong; the caller rolls back. */
  apply(step: Step, stores: Readonly<Record<string, unknown>>, context: StepContext): Promise<Applied>
  /** Runs `down`, then the kind's own checks. Throws what went wrong; the caller rolls back. */
  revert(step: Step, stores: Readonly<Record<string, unknown>>, context: StepContext): Promise<Applied>
  /** The flat schema, for a fresh store. */
  applyFlat(): Promise<Applied>
  /** Tries what was left once more, at the version the store has. Only for kinds whose examination may ask for it. */
  retry?(context: StepContext): Promise<Applied>
  /** The store at version `at` of a track, for another store's step. */
  view(at: number, access: 'read' | 'write', by: string): View
  /** Writes into the marker, in the same commit as the data. */
  mark(entries: readonly MarkerEntry[], touches: readonly Touch[]): void
  /** Takes out of the marker, in the same commit as the data, what steps that are undone had written there. */
  unmark(entries: readonly MarkerEntry[], touches: readonly Touch[]): void
  /** Puts what `change` makes of the marker in its place, in the same commit. One that cannot be read is given as empty. */
  remark(change: (marker: Marker) => Marker): void
  /** Last chance to find that the commit cannot succeed, before any other store is committed. */
  prepare(): Promise<void>
  readonly commit: CommitBySelf | CommitByFiles
  /** Lets go of everything, leaving the store as it was if it was not committed. Safe to call twice. */
  rollback(): Promise<void>
  /** Lets go of everything after the commit. */
  close(): Promise<void>
}

/** The store commits itself, and can decide for files. */
export interface CommitBySelf {
  readonly by: 'itself'
  /** Relative to the root. */
  readonly path: string
  /**
   * Durable when it returns 'committed'. `id` is stored with the data, if given. `check` comes before each try but the
   * first; what it throws is the cause of a roll-back. Throws when nobody can say.
   */
  commit(id: string | null, check?: () => void): Promise<'committed' | 'rolled-back'>
  /** Why the last commit was rolled back. */
  cause(): unknown
}

/** The store is files, committed by `disk/commit-files.ts`. */
export interface CommitByFiles {
  readonly by: 'files'
  /** An `Overlay` of the disk layer. */
  readonly overlay: unknown
}

export function isStore(value: unknown): value is Store {
  return typeof value === 'object' && value !== null && (value as Partial<Store>)['~moult'] === 1 && '~store' in value
}
