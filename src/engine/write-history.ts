import { digestSource } from '../disk/digest.js'
import { stepAt } from '../model/step.js'
import { started, tryToAppend } from './history.js'
import type { HistoryEntry } from './history.js'
import type { RunLock } from './run-lock.js'
import type { Scene } from './places.js'
import type { Progress } from './report.js'
import type { ResolvedRun } from './resolved-run.js'
import { placeFor } from './work.js'
import { noChanges } from '../model/report.js'

/** Adds what a run did to the history. It is only a log: not being able to write it is a warning, not a failure. */
export function writeHistory(
  scene: Scene,
  run: ResolvedRun,
  progress: Progress,
  lock: RunLock,
  error: { readonly code: string; readonly message: string } | null,
): void {
  const base = { at: new Date().toISOString(), run: lock.runId, app: scene.spec.app, appVersion: scene.spec.appVersion }
  // Where no step failed but the commit, the last that was undone tells of it
  const teller =
    progress.steps.find(({ result }) => result === 'failed') ??
    progress.steps.findLast(({ result }) => result === 'undone')
  const steps = progress.steps.map((step): HistoryEntry => {
    const entry = { ...base, ...step, checksum: checksumOf(scene, step.store, step.track, step.step) }
    if (error === null || !['failed', 'undone'].includes(step.result)) return entry
    return { ...entry, ...(step === teller ? { error: error.message } : {}), code: error.code }
  })
  const named = new Set(
    progress.steps.filter(({ result }) => !['failed', 'undone'].includes(result)).map(({ store }) => store),
  )
  const markers = progress.committedStores
    .filter((store) => run.goal.is === 'upgrade' && !named.has(store))
    .map((store): HistoryEntry => ({
      ...base,
      store,
      track: '',
      step: started,
      direction: 'up',
      result: 'done',
      ms: 0,
      changes: noChanges,
      checksum: null,
    }))
  tryToAppend(scene, run.onEvent, [...markers, ...steps])
}

function checksumOf(scene: Scene, store: string, track: string, name: string): string | null {
  const { spec, tracks } = placeFor(scene, store)
  const lane = [spec.lane, ...tracks].find((each) => each.track === track)
  const source = lane ? stepAt(lane, lane.names.indexOf(name) + 1)?.source : null
  return source == null ? null : digestSource(source)
}
