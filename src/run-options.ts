import type { Goal } from './engine/goal.js'
import type { ResolvedRun } from './engine/resolved-run.js'
import type { DatabaseCode } from './model/database-code.js'
import type { Driver } from './model/driver.js'
import { MoultFailure } from './model/errors.js'
import type { Listener } from './model/events.js'
import type { BackupPolicy, NewerPolicy, PendingPolicy } from './model/policy.js'
import type { StateSpec } from './model/state.js'
import type { Lane } from './model/step.js'
import { resolveSteps, resolveTargets } from './model/target.js'
import type { Target, Targets } from './model/target.js'

export interface RunOptions {
  /** Go only so far: `store.at(…)` or `'store@version'`. Stores that are not named stay where they are. Default: everything, to its newest version. */
  readonly target?: Target | readonly Target[]
  /**
   * Steps that were changed after they had been applied here, `store.at('step')` or `'store@step'`, and that are known
   * to do no harm: the marker gets the checksum they have now. One that was not changed is passed over, so that a
   * second start is like the first; other changed steps are refused as ever. Default none.
   */
  readonly acceptEdited?: readonly Target[]
  /**
   * Runs the steps on a copy of the state, beside the programs that use it, and reports what they did there. Default
   * false. Every path but `.moult` stays as it is. Fails as the run would.
   */
  readonly dryRun?: boolean
  /** Where a dry run copies to; an absolute path. Default `.moult/dry-run`, or the system's folder for temporary files. */
  readonly scratch?: string
  /**
   * Whether a verified backup is made before the first write. Default `'required'`: without one nothing is begun.
   * `'try'` goes on without, with a warning; `'none'` makes none, and what was committed stays when a later step fails.
   */
  readonly backup?: BackupPolicy
  /** How long to wait for other processes, in milliseconds. Default 30,000. */
  readonly waitMs?: number
  /** Told what happens. What it throws is ignored: a run does not depend on who watches it. */
  readonly onEvent?: Listener
  /** Interrupts the run; the state is put back. */
  readonly signal?: AbortSignal
}

export interface DowngradeOptions extends Omit<RunOptions, 'target' | 'acceptEdited'> {
  /** What to go back to: `store.at(…)` or `'store@version'`; `'store@0'` is before its first step. Stores that are not named stay where they are. */
  readonly target: Target | readonly Target[]
}

export interface OpenOptions extends Omit<RunOptions, 'target' | 'dryRun' | 'scratch'> {
  /** What to do when the state is behind. Default `'upgrade'`. `'continue'` goes on with the old data. */
  readonly onPending?: PendingPolicy
  /** Overrules each store's own policy. */
  readonly onNewer?: NewerPolicy
  /** `'read'` writes nothing, makes no lock files, and refuses what is behind. Default `'write'`. */
  readonly access?: 'write' | 'read'
}

export interface StampOptions extends Omit<RunOptions, 'target' | 'acceptEdited'> {
  /** Why, for whoever reads the marker or the history later. */
  readonly reason: string
}

/** Options that every run has. */
export const runOptions = ['dryRun', 'scratch', 'backup', 'waitMs', 'onEvent', 'signal']

export const defaultWaitMs = 30_000

export function targetsOf(spec: StateSpec, target: Target | readonly Target[] | undefined): Targets | null {
  return resolveTargets(target, lanesOf(spec))
}

/** Of two places for one list of steps nobody knows which is meant. */
export function stampTargets(spec: StateSpec, target: Target | readonly Target[]): Targets {
  const targets = targetsOf(spec, target)
  if (!targets?.size) throw new TypeError("stamp: the first argument is a target, such as 'store@step'")
  const list = Array.isArray(target) ? (target as readonly Target[]) : []
  const keys = list.flatMap((target) => [...(targetsOf(spec, target)?.keys() ?? [])])
  const twice = keys.find((key, index) => keys.indexOf(key) !== index)
  if (twice === undefined) return targets
  throw new MoultFailure('STAMP_REFUSED', {
    message: `The stamp names '${twice}' twice. Nothing was changed.`,
    hint: 'Name each store, and each track, once.',
    details: {},
  })
}

export function acceptsOf(spec: StateSpec, { acceptEdited }: RunOptions): ReadonlySet<string> {
  return resolveSteps(acceptEdited ?? [], lanesOf(spec))
}

function lanesOf(spec: StateSpec): readonly Lane[] {
  return [...spec.stores.map((store) => store['~store'].lane), ...spec.tracks.map((track) => track['~lane'])]
}

/** Every default of a run. */
export function resolveRun(spec: StateSpec, goal: Goal, options: RunOptions): ResolvedRun {
  return {
    goal,
    onNewer: null,
    waitMs: options.waitMs ?? defaultWaitMs,
    signal: options.signal ?? new AbortController().signal,
    onEvent: watched(options.onEvent),
    driver: driverOf(spec),
    databases,
    backup: checkBackupPolicy(options.backup),
    dryRun: false,
    keepBackups: spec.keepBackups,
  }
}

export const databases = async (): Promise<DatabaseCode> =>
  (await import('./stores/sqlite/database-code.js')).databaseCode

function checkBackupPolicy(given: unknown): BackupPolicy {
  if (given === undefined || given === 'required' || given === 'try' || given === 'none') return given ?? 'required'
  throw new TypeError(`backup is 'required', 'try' or 'none', not ${JSON.stringify(given)}`)
}

/** A listener whose mistakes stay its own: thrown in mid-commit, an error would leave half of the run undone. */
export function watched(listener: Listener | undefined): Listener {
  return (event) => {
    try {
      const answer: unknown = listener?.(event)
      if (answer instanceof Promise) answer.catch(() => undefined)
    } catch {
      // As documented: whoever watches cannot stop a run. The signal can.
    }
  }
}

/** Loaded when a database is opened, not before: an up-to-date state needs no driver to be examined. */
export function driverOf(spec: StateSpec): () => Promise<Driver> {
  return async () => {
    const { storeDriver } = await import('./drivers/choose-driver.js')
    return storeDriver(spec.driver === null ? null : await spec.driver.load())
  }
}
