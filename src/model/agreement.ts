import { describeStep } from './step.js'
import type { Refusal, Verdict } from './verdict.js'

/**
 * Each store that another store's step writes remembers that in its own marker, by the commit's random id. One without
 * the other means that a store was restored or copied alone, and that the two no longer belong together (protocol 20).
 */
export function findDisagreement(verdicts: readonly Verdict[]): Refusal | null {
  const markers = new Map(verdicts.flatMap(({ spec, marker }) => (marker ? [[spec.name, marker] as const] : [])))
  for (const [store, marker] of markers) {
    for (const entry of marker.entries) {
      for (const other of entry.wrote) {
        const theirs = markers.get(other)
        const by = describeStep({ store, track: entry.track }, entry.name)
        if (
          theirs &&
          entry.commit !== null &&
          !theirs.touches.some((touch) => touch.by === by && touch.commit === entry.commit)
        )
          return disagreement(store, other, by)
      }
    }
    for (const { by, commit } of marker.touches) {
      const writer = by.slice(0, by.indexOf('/'))
      const theirs = markers.get(writer)
      if (theirs && !theirs.entries.some((entry) => entry.commit === commit && entry.wrote.includes(store)))
        return disagreement(store, writer, by)
    }
  }
  return null
}

function disagreement(store: string, other: string, by: string): Refusal {
  return {
    store,
    code: 'STORE_DIVERGED',
    message: `The stores '${store}' and '${other}' do not belong together: the step ${by} changed both at once, and only one of them knows of it. Nothing was changed.`,
    hint: `One of the two was copied or restored alone. Bring back both from the same moment.`,
    details: { store, at: 0, ours: null, theirs: by },
  }
}
