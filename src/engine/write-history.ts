import { digestSource } from '../disk/digest.js'
import { stepAt } from '../model/step.js'
import { appendHistory, started } from './history.js'
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
  error: { readonly message: string } | null,
): void {
  const base = { at: new Date().toISOString(), run: lock.runId, app: scene.spec.app, appVersion: scene.spec.appVersion }
  const steps = progress.steps.map((step): HistoryEntry => {
    const entry = { ...base, ...step, checksum: checksumOf(scene, step.store, step.track, step.step) }
    return error && step.result === 'failed' ? { ...entry, error: error.message } : entry
  })
  const named = new Set(progress.steps.filter(({ result }) => result === 'done').map(({ store }) => store))
  const markers = progress.committedStores
    .filter((store) => run.direction === 'up' && !named.has(store))
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
  try {
    appendHistory(scene, [...markers, ...steps])
  } catch (cause) {
    run.onEvent({
      type: 'warning',
      code: 'HISTORY_NOT_WRITTEN',
      message: `The history could not be written: ${String(cause)}`,
    })
  }
}

function checksumOf(scene: Scene, store: string, track: string, name: string): string | null {
  const { spec, tracks } = placeFor(scene, store)
  const lane = [spec.lane, ...tracks].find((each) => each.track === track)
  const source = lane ? stepAt(lane, lane.names.indexOf(name) + 1)?.source : null
  return source == null ? null : digestSource(source)
}
