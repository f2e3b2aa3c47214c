import type { Listener } from '../model/events.js'
import type { Marker, MarkerEntry } from '../model/marker.js'
import { flatName } from '../model/plan.js'
import { noChanges } from '../model/report.js'
import type { Verdict } from '../model/verdict.js'
import { readHistory, started, tryToAppend } from './history.js'
import type { HistoryEntry } from './history.js'
import type { IntendedStep, RunHeader } from './journal.js'
import type { Scene } from './places.js'

/**
 * What a run had committed when it was cut off, before it could write its history: of the steps that it meant to apply
 * those that the markers have, and of those that it meant to undo those that they have no more. How long they took and
 * what they changed nobody knows.
 */
export function writeCutOff(scene: Scene, onEvent: Listener, cutOff: RunHeader, verdicts: readonly Verdict[]): void {
  const written = linesOf(scene, cutOff.run)
  const lines = (cutOff.steps ?? []).flatMap((intended): HistoryEntry[] => {
    const { store, track, step } = intended
    if (written.some((line) => line.store === store && line.track === track && line.step === step)) return []
    const marker = verdicts.find(({ spec }) => spec.name === store)?.marker ?? null
    return marker === null ? [] : lineOf(cutOff, intended, marker)
  })
  tryToAppend(scene, onEvent, lines)
}

function lineOf(cutOff: RunHeader, intended: IntendedStep, marker: Marker): HistoryEntry[] {
  const { store, track, step, direction } = intended
  const entry = marker.entries.find((each) => each.track === track && isEntryOf(each, step)) ?? null
  const isThere = entry !== null || step === started
  if (isThere !== (direction === 'up')) return []
  return [
    {
      at: entry === null ? cutOff.startedAt : new Date(entry.appliedAt * 1000).toISOString(),
      run: cutOff.run,
      app: cutOff.app,
      appVersion: cutOff.appVersion,
      store,
      track,
      step,
      direction,
      result: entry?.arrival === 'stamped' || entry?.arrival === 'skipped' ? entry.arrival : 'done',
      ms: 0,
      changes: noChanges,
      reason: `the run was cut off before it wrote this line; the marker has the step${direction === 'up' ? '' : ' no more'}`,
      checksum: step === flatName ? null : (entry?.checksum ?? null),
    },
  ]
}

function isEntryOf({ name, arrival }: MarkerEntry, step: string): boolean {
  return step === flatName ? arrival === 'flat' : name === step
}

/** One that cannot be read gets lines that may stand twice: better than to fail a run for its log. */
function linesOf(scene: Scene, run: string): readonly HistoryEntry[] {
  try {
    return readHistory(scene).filter((line) => line.run === run)
  } catch {
    return []
  }
}
