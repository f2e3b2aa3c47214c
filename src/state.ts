import { isAbsolute } from 'node:path'
import type { BackupWork } from './backup/backup-work.js'
import { makeBackups } from './backups.js'
import type { BackupCallOptions, Backups } from './backups.js'
import { checkOptions, checkTarget } from './model/call-options.js'
import { checkDefinition, isTrack } from './model/definition.js'
import type { AnyTrack } from './model/definition.js'
import { claimFiles } from './model/claims.js'
import type { ChosenDriver, Driver } from './model/driver.js'
import type { HistoryEntry } from './engine/history.js'
import type { ResolvedOpen } from './engine/open.js'
import type { ResolvedRun } from './engine/resolved-run.js'
import { setScene } from './engine/places.js'
import type { Scene } from './engine/places.js'
import { reportStatus } from './engine/status.js'
import type { Listener } from './model/events.js'
import type { DatabaseCode } from './model/database-code.js'
import type { BackupPolicy, NewerPolicy, PendingPolicy } from './model/policy.js'
import type { PlanReport, Problem, RunReport, StatusReport } from './model/report.js'
import type { StateSpec } from './model/state.js'
import { isStore } from './model/store.js'
import type { Store } from './model/store.js'
import { resolveTargets } from './model/target.js'
import type { Target } from './model/target.js'

export interface StateOptions {
  /** The app's name, for messages and markers. */
  readonly app: string
  /** The app's version: stands in markers and history, so that a refusal can name it. */
  readonly appVersion?: string
  /** The directory that holds the state; absolute. Or `state.in(root)` later. */
  readonly root?: string
  readonly stores: readonly (Store | AnyTrack)[]
  /** The SQLite library that the app itself uses for these files. Default: node:sqlite where the runtime has it, else better-sqlite3. */
  readonly driver?: ChosenDriver
  /** What to do with data that a newer program wrote. Default `'floor'`: go on if the newer program declared that this one may. */
  readonly onNewer?: NewerPolicy
  /** How many of the backups stay that runs and restores made; those that were asked for are never removed by themselves. Default 5. */
  readonly keepBackups?: number
}

export interface RunOptions {
  /** Go only so far: `store.at(…)` or `'store@version'`. Stores that are not named stay where they are. Default: everything, to its newest version. */
  readonly target?: Target | readonly Target[]
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

export interface DowngradeOptions extends Omit<RunOptions, 'target'> {
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

/** A state that this process has open. While it is held, nobody upgrades it. */
export interface HeldState extends AsyncDisposable {
  readonly root: string
  readonly report: RunReport
  /** The absolute path of a store. */
  path(store: Store | string): string
  /** Lets go of the state. Safe to call twice. */
  close(): Promise<void>
}

/** Everything an app keeps under one root. Every method throws a MoultError when it does not reach what was asked. */
export interface State {
  readonly '~moult': 1
  /** Where it is, as it was given; null where `in(root)` is still to come. */
  readonly root: string | null
  /** The same state in this directory; an absolute path. */
  in(root: string): State
  /** The same state with more stores and tracks. */
  add(...stores: readonly (Store | AnyTrack)[]): State
  /**
   * The start-up call: examines the state, upgrades it if needed, and holds it in use until `close()`. Call it before
   * opening any of the state's databases. Throws STORE_NEWER, STORE_LEGACY and others when the state cannot be used,
   * with nothing changed; STEP_FAILED and others when an upgrade failed, with the state put back.
   */
  open(options?: OpenOptions): Promise<HeldState>
  /** What there is. Takes no lock, changes nothing, reads only markers of an up-to-date state. */
  status(options?: { readonly unclaimed?: boolean }): Promise<StatusReport>
  /** What an upgrade would do, in order, or why it would be refused. Takes no lock, changes nothing. */
  plan(options?: { readonly target?: Target | readonly Target[] }): Promise<PlanReport>
  /** Brings the state to its target. Waits for other processes; refuses (IN_USE) when this process has it open. */
  upgrade(options?: RunOptions): Promise<RunReport>
  /**
   * Undoes the steps past the target by their `down`, the last one first. All or nothing, as an upgrade: a step without
   * a way back (DOWN_MISSING), or one that a step that stays needs (STILL_NEEDED), refuses before anything is changed.
   * The next `open()` of this program upgrades again: it is for going back to an older one.
   */
  downgrade(options: DowngradeOptions): Promise<RunReport>
  /** Looks into every store: markers, contents, integrity, foreign keys, record versions, leftovers; with `backups` into every backup, too. Changes nothing. */
  verify(options?: {
    readonly waitMs?: number
    readonly backups?: boolean
  }): Promise<{ readonly problems: readonly Problem[] }>
  /** Every step ever run here, the oldest first. */
  history(): Promise<readonly HistoryEntry[]>
  /** Verified copies of everything, and the way back. */
  readonly backups: Backups
}

const known = ['app', 'appVersion', 'root', 'stores', 'driver', 'onNewer', 'keepBackups']

/**
 * Declares a state. Throws a TypeError for what cannot be meant: two stores of one name, a file claimed twice, a
 * reference to a store or step that is not there, steps that need one another in a circle.
 */
export function defineState(options: StateOptions): State {
  const stray = Object.keys(options).find((key) => !known.includes(key))
  if (stray !== undefined) throw new TypeError(`defineState: unknown option '${stray}'; known are ${known.join(', ')}`)
  if (typeof options.app !== 'string' || options.app === '') throw new TypeError("defineState: 'app' is the app's name")
  const state = makeState({
    app: options.app,
    appVersion: options.appVersion ?? null,
    root: null,
    ...sortParts(options.stores),
    driver: options.driver ?? null,
    onNewer: options.onNewer ?? 'floor',
    keepBackups: checkKept(options.keepBackups),
  })
  return options.root === undefined ? state : state.in(options.root)
}

function sortParts(parts: readonly (Store | AnyTrack)[]): {
  readonly stores: readonly Store[]
  readonly tracks: readonly AnyTrack[]
} {
  const stray = parts.find((part) => !isStore(part) && !isTrack(part))
  if (stray !== undefined)
    throw new TypeError('defineState: stores takes what sqlite(), directory(), records() and track() return')
  return { stores: parts.filter(isStore), tracks: parts.filter(isTrack) }
}

function makeState(spec: StateSpec): State {
  checkDefinition(spec.stores, spec.tracks)
  claimFiles(spec.stores)
  const state: State = {
    '~moult': 1,
    root: spec.root,
    in: (root) => {
      if (typeof root !== 'string' || !isAbsolute(root))
        throw new TypeError(`${spec.app}: the root must be an absolute path, not '${root}'`)
      return makeState({ ...spec, root })
    },
    add: (...parts) => {
      const { stores, tracks } = sortParts(parts)
      return makeState({ ...spec, stores: [...spec.stores, ...stores], tracks: [...spec.tracks, ...tracks] })
    },
    open: (options = {}) => open(spec, options),
    status: async (options = {}) => {
      checkOptions('status', options, ['unclaimed'])
      return reportStatus(setScene(spec), { unclaimed: options.unclaimed ?? false })
    },
    plan: async (options = {}) => {
      checkOptions('plan', options, ['target'])
      const { planState } = await import('./engine/plan-state.js')
      return planState(setScene(spec), targetsOf(spec, options.target))
    },
    upgrade: async (options = {}) => {
      checkOptions('upgrade', options, ['target', 'dryRun', 'scratch', 'backup', 'waitMs', 'onEvent', 'signal'])
      return makeRun(spec, resolveRun(spec, options), options)
    },
    downgrade: async (options) => {
      checkOptions('downgrade', options, ['target', 'dryRun', 'scratch', 'backup', 'waitMs', 'onEvent', 'signal'])
      checkTarget('downgrade', options.target)
      // What a newer program's steps need nobody here knows, so no policy lets this go on
      const run = { ...resolveRun(spec, options), direction: 'down', onNewer: 'refuse' } as const
      return makeRun(spec, run, options)
    },
    verify: async (options = {}) => {
      checkOptions('verify', options, ['waitMs', 'backups'])
      const { verifyState } = await import('./engine/verify.js')
      const problems = await verifyState(setScene(spec), {
        driver: driverOf(spec),
        waitMs: options.waitMs ?? defaultWaitMs,
      })
      return { problems: options.backups === true ? [...problems, ...(await state.backups.verify())] : problems }
    },
    history: async () => {
      const { readHistory } = await import('./engine/history.js')
      return readHistory(setScene(spec))
    },
    backups: makeBackups((options) => backupWork(spec, options)),
  }
  return Object.freeze(state)
}

const defaultWaitMs = 30_000

async function makeRun(spec: StateSpec, run: ResolvedRun, { dryRun, scratch }: RunOptions): Promise<RunReport> {
  if (scratch !== undefined && (dryRun !== true || !isAbsolute(scratch)))
    throw new TypeError(`scratch is the absolute path of a folder for a dry run, not ${JSON.stringify(scratch)}`)
  const { bringToTarget } = await import('./engine/run.js')
  const make = async (scene: Scene, what: ResolvedRun): Promise<RunReport> => {
    const { report, lock } = await bringToTarget(scene, what)
    lock.release()
    return report
  }
  if (dryRun !== true) return make(setScene(spec), run)
  const { rehearseRun } = await import('./backup/dry-run.js')
  return rehearseRun(setScene(spec), run, scratch ?? null, make)
}

async function backupWork(spec: StateSpec, options: BackupCallOptions): Promise<BackupWork> {
  const signal = options.signal ?? new AbortController().signal
  const onEvent = watched(options.onEvent)
  return {
    scene: setScene(spec),
    driver: driverOf(spec),
    databases,
    waiting: {
      waitMs: options.waitMs ?? defaultWaitMs,
      signal,
      onWaiting: (holder, ms) => onEvent({ type: 'waiting', holder, ms }),
    },
    signal,
    onEvent,
  }
}

async function open(spec: StateSpec, options: OpenOptions): Promise<HeldState> {
  checkOptions('open', options, ['onPending', 'onNewer', 'access', 'backup', 'waitMs', 'onEvent', 'signal'])
  const { openState } = await import('./engine/open.js')
  const scene = setScene(spec)
  const resolved: ResolvedOpen = {
    ...resolveRun(spec, options),
    onNewer: options.onNewer ?? null,
    onPending: options.onPending ?? 'upgrade',
    access: options.access ?? 'write',
  }
  const { report, hold } = await openState(scene, resolved)
  const close = async (): Promise<void> => hold.release()
  return {
    root: scene.root,
    report,
    path: (store) => pathOf(scene, typeof store === 'string' ? store : store.name),
    close,
    [Symbol.asyncDispose]: close,
  }
}

function pathOf(scene: Scene, store: string): string {
  const place = scene.places.find(({ spec }) => spec.name === store)
  if (!place) throw new TypeError(`there is no store '${store}' in this state`)
  return place.path
}

function targetsOf(spec: StateSpec, target: Target | readonly Target[] | undefined): ResolvedRun['targets'] {
  return resolveTargets(target, [
    ...spec.stores.map((store) => store['~store'].lane),
    ...spec.tracks.map((track) => track['~lane']),
  ])
}

function resolveRun(spec: StateSpec, options: RunOptions): ResolvedRun {
  return {
    direction: 'up',
    targets: targetsOf(spec, options.target),
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

const databases = async (): Promise<DatabaseCode> => (await import('./stores/sqlite/database-code.js')).databaseCode

function checkKept(given: unknown): number {
  if (given === undefined) return 5
  if (Number.isInteger(given) && (given as number) >= 1) return given as number
  throw new TypeError(`keepBackups is a whole number from 1, not ${JSON.stringify(given)}`)
}

function checkBackupPolicy(given: unknown): BackupPolicy {
  if (given === undefined || given === 'required' || given === 'try' || given === 'none') return given ?? 'required'
  throw new TypeError(`backup is 'required', 'try' or 'none', not ${JSON.stringify(given)}`)
}

/** A listener whose mistakes stay its own: thrown in mid-commit, an error would leave half of the run undone. */
function watched(listener: Listener | undefined): Listener {
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
function driverOf(spec: StateSpec): () => Promise<Driver> {
  return async () => {
    const { storeDriver } = await import('./drivers/choose-driver.js')
    return storeDriver(spec.driver === null ? null : await spec.driver.load())
  }
}
