import { uncheckedSteps } from '../model/decide.js'
import { retryName } from '../model/plan.js'
import type { Outcome, Problem, RunReport, StepReport, StoreReport } from '../model/report.js'
import { mainLane } from '../model/verdict.js'
import type { LaneVerdict, Refusal, Verdict } from '../model/verdict.js'
import type { Scene } from './places.js'

export function reportStore(verdict: Verdict): StoreReport {
  const main = mainLane(verdict)
  const { marker, spec, status } = verdict
  const isRetried = verdict.retry && main.status === 'current'
  const isAccepted = verdict.lanes.some(({ accepted }) => accepted.length > 0)
  return {
    name: spec.name,
    kind: spec.kind,
    path: spec.path === '' ? '.' : spec.path,
    status: isAccepted ? 'edited' : isRetried && status === 'current' ? 'behind' : status,
    version: marker ? main.version : null,
    head: main.lane.names.length,
    floor: marker ? main.floor : null,
    pending: ['newer', 'diverged', 'edited', 'too-old', 'unreadable'].includes(status)
      ? []
      : [...verdict.lanes.flatMap((lane) => pendingNames(verdict, lane)), ...(isRetried ? [retryName] : [])],
    tracks: tracksOf(verdict),
    left: (marker?.left ?? []).map(({ seen: _, ...document }) => document),
    unchecked: verdict.lanes.flatMap(uncheckedSteps),
  }
}

function pendingNames({ status, spec }: Verdict, { lane, version }: LaneVerdict): string[] {
  const isAdopted = lane.track === '' && status === 'legacy'
  return lane.names
    .slice(isAdopted ? (spec.adopt ?? 0) : version)
    .map((name) => (lane.track === '' ? name : `${lane.track}/${name}`))
}

/** Tracks this program defines, and detached ones that only the marker knows. */
function tracksOf({ lanes, marker }: Verdict): StoreReport['tracks'] {
  const tracks: Record<string, { version: number; head: number | null }> = {}
  for (const { track } of marker?.entries ?? []) {
    if (track !== '') tracks[track] = { version: (tracks[track]?.version ?? 0) + 1, head: null }
  }
  for (const { lane, version } of lanes) {
    if (lane.track !== '') tracks[lane.track] = { version, head: lane.names.length }
  }
  return tracks
}

export function reportProblem({ store, code, message, hint }: Refusal): Problem {
  return { store, code, message, hint }
}

/** A run's report as it grows. */
export class Progress {
  readonly steps: StepReport[] = []
  recovered: RunReport['recovered'] = null
  backup: RunReport['backup'] = null
  readonly #committed = new Set<string>()
  readonly #kept = new Set<StepReport>()

  add(step: StepReport): void {
    this.steps.push(step)
  }

  committed(stores: readonly string[]): void {
    for (const store of stores) this.#committed.add(store)
    for (const step of this.steps) if (stores.includes(step.store)) this.#kept.add(step)
  }

  /** Stores that something was committed to. */
  get committedStores(): readonly string[] {
    return [...this.#committed]
  }

  /** What was committed has been put back. */
  forgetCommits(): void {
    this.#committed.clear()
    this.#kept.clear()
  }

  /** Steps that were done and not committed are undone again. */
  undoUncommitted(): void {
    this.steps.forEach((step, index) => {
      if (!this.#kept.has(step) && step.result !== 'failed') this.steps[index] = { ...step, result: 'undone' }
    })
  }
}

export interface Ending {
  readonly outcome: Outcome
  readonly verdicts: readonly Verdict[]
  readonly locked: boolean
}

export function reportRun(scene: Scene, progress: Progress, { outcome, verdicts, locked }: Ending): RunReport {
  return {
    outcome,
    root: scene.root,
    dryRun: false,
    stores: verdicts.map(reportStore),
    steps: progress.steps,
    recovered: progress.recovered,
    backup: progress.backup,
    rehearsal: null,
    locked,
  }
}
