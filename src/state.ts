import { isAbsolute } from 'node:path'
import type { BackupWork } from './backup/backup-work.js'
import { makeBackups } from './backups.js'
import type { BackupCallOptions, Backups } from './backups.js'
import { checkOptions, checkTarget } from './model/call-options.js'
import { checkChecksums } from './model/require-checksums.js'
import { checkDefinition, isTrack } from './model/definition.js'
import type { AnyTrack } from './model/definition.js'
import { claimFiles } from './model/claims.js'
import type { ChosenDriver } from './model/driver.js'
import type { HistoryEntry } from './engine/history.js'
import type { ResolvedOpen } from './engine/open.js'
import type { ResolvedRun } from './engine/resolved-run.js'
import { setScene } from './engine/places.js'
import type { Scene } from './engine/places.js'
import { reportStatus } from './engine/status.js'
import type { NewerPolicy } from './model/policy.js'
import type { PlanReport, Problem, RunReport, StatusReport } from './model/report.js'
import type { StateSpec } from './model/state.js'
import { isStore } from './model/store.js'
import type { Store } from './model/store.js'
import type { Target } from './model/target.js'
import {
  acceptsOf,
  databases,
  defaultWaitMs,
  driverOf,
  resolveRun,
  runOptions,
  stampTargets,
  targetsOf,
  watched,
} from './run-options.js'
import type { DowngradeOptions, OpenOptions, RunOptions, StampOptions } from './run-options.js'

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
  /**
   * Every step must have a checksum, so that an edit of one that has shipped is always noticed: SQL text and step files
   * have theirs, a function needs `checksum`. Versions of records have none and are not asked for one. Default false.
   */
  readonly requireChecksums?: boolean
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
  /**
   * Says, without running a step, that stores are at these versions: for data whose marker was lost, that was put back
   * by hand, or that another tool made. Each marker is written as if the steps up to there had been applied, with the
   * checksums they have now, and says that it was stamped and why. Nobody checks that it is true: a wrong stamp makes
   * steps run twice, or never. Outcome `stamped`, or `up-to-date` when the markers say so already.
   *
   * Throws TARGET_UNKNOWN; STAMP_REFUSED for a store without data, and where the marker is gone and a plugin's list of
   * steps is not stamped as well; TARGET_BEHIND, STORE_NEWER, STORE_DIVERGED, STORE_EDITED and STORE_TOO_OLD where the
   * marker says more than the stamp or something else. A crash leaves each store stamped or as it was.
   */
  stamp(target: Target | readonly Target[], options: StampOptions): Promise<RunReport>
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

const known = ['app', 'appVersion', 'root', 'stores', 'driver', 'onNewer', 'keepBackups', 'requireChecksums']

/**
 * Declares a state. Throws a TypeError for what cannot be meant: two stores of one name, a file claimed twice, a
 * reference to a store or step that is not there, steps that need one another in a circle.
 */
export function defineState(options: StateOptions): State {
  const stray = Object.keys(options).find((key) => !known.includes(key))
  if (stray !== undefined) throw new TypeError(`defineState: unknown option '${stray}'; known are ${known.join(', ')}`)
  if (typeof options.app !== 'string' || options.app === '') throw new TypeError("defineState: 'app' is the app's name")
  if (!['boolean', 'undefined'].includes(typeof options.requireChecksums))
    throw new TypeError("defineState: 'requireChecksums' is true or false")
  const state = makeState({
    app: options.app,
    appVersion: options.appVersion ?? null,
    root: null,
    ...sortParts(options.stores),
    driver: options.driver ?? null,
    onNewer: options.onNewer ?? 'floor',
    keepBackups: checkKept(options.keepBackups),
    requireChecksums: options.requireChecksums ?? false,
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
  if (spec.requireChecksums) checkChecksums(spec.stores, spec.tracks)
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
      checkOptions('upgrade', options, ['target', 'acceptEdited', ...runOptions])
      const goal = { is: 'upgrade', targets: targetsOf(spec, options.target) } as const
      return makeRun(setScene(spec, acceptsOf(spec, options)), resolveRun(spec, goal, options), options)
    },
    downgrade: async (options) => {
      checkOptions('downgrade', options, ['target', ...runOptions])
      checkTarget('downgrade', options.target)
      const goal = { is: 'downgrade', targets: targetsOf(spec, options.target) ?? new Map() } as const
      // What a newer program's steps need nobody here knows, so no policy lets this go on
      return makeRun(setScene(spec), { ...resolveRun(spec, goal, options), onNewer: 'refuse' }, options)
    },
    stamp: async (target, options) => {
      if (options?.reason === undefined) throw new TypeError("stamp: say why: { reason: '…' }")
      checkOptions('stamp', options, ['reason', ...runOptions])
      if (options.reason.trim() === '') throw new TypeError('stamp: reason must be a text that says why')
      const goal = { is: 'stamp', targets: stampTargets(spec, target), reason: options.reason, by: spec } as const
      return makeRun(setScene(spec), resolveRun(spec, goal, options), options)
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

async function makeRun(scene: Scene, run: ResolvedRun, { dryRun, scratch }: RunOptions): Promise<RunReport> {
  if (scratch !== undefined && (dryRun !== true || !isAbsolute(scratch)))
    throw new TypeError(`scratch is the absolute path of a folder for a dry run, not ${JSON.stringify(scratch)}`)
  const { bringToTarget } = await import('./engine/run.js')
  const make = async (where: Scene, what: ResolvedRun): Promise<RunReport> => {
    const { report, lock } = await bringToTarget(where, what)
    lock.release()
    return report
  }
  if (dryRun !== true) return make(scene, run)
  const { rehearseRun } = await import('./backup/dry-run.js')
  return rehearseRun(scene, run, scratch ?? null, make)
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
  checkOptions('open', options, [
    'onPending',
    'onNewer',
    'access',
    'backup',
    'acceptEdited',
    'waitMs',
    'onEvent',
    'signal',
  ])
  const { openState } = await import('./engine/open.js')
  const scene = setScene(spec, acceptsOf(spec, options))
  const resolved: ResolvedOpen = {
    ...resolveRun(spec, { is: 'upgrade', targets: null }, options),
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

function checkKept(given: unknown): number {
  if (given === undefined) return 5
  if (Number.isInteger(given) && (given as number) >= 1) return given as number
  throw new TypeError(`keepBackups is a whole number from 1, not ${JSON.stringify(given)}`)
}
