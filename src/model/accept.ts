import type { Marker, MarkerEntry } from './marker.js'
import { describeStep, stepAt } from './step.js'
import type { Digest, Step } from './step.js'
import type { Verdict } from './verdict.js'

/** An edited step whose checksum in the marker gives way to the one that it has now. */
export interface AcceptedEdit {
  readonly track: string
  readonly place: number
  readonly step: Step
}

/** The edits of a store that the caller accepts, and that its marker does not know of yet. */
export function acceptedEdits({ lanes }: Verdict): readonly AcceptedEdit[] {
  return lanes.flatMap(({ lane, accepted }) =>
    accepted.flatMap((place) => {
      const step = stepAt(lane, place)
      return step ? [{ track: lane.track, place, step }] : []
    }),
  )
}

/** The marker with the checksums that the accepted steps have now; each entry says what it was and who accepted it. */
export function acceptInto(
  marker: Marker,
  edits: readonly AcceptedEdit[],
  { digest, by, at }: { readonly digest: Digest; readonly by: string; readonly at: string },
): Marker {
  const entries = marker.entries.map((entry): MarkerEntry => {
    const edit = edits.find(({ track, place }) => track === entry.track && place === entry.place)
    if (edit?.step.source == null) return entry
    const note = `an edit was accepted on ${at} by ${by}; the checksum was ${entry.checksum ?? 'none'}`
    return { ...entry, checksum: digest(edit.step.source), note: entry.note ? `${entry.note}; ${note}` : note }
  })
  return { ...marker, entries }
}

export function describeEdits(store: string, edits: readonly AcceptedEdit[]): string {
  return edits.map(({ track, step }) => describeStep({ store, track }, step.name)).join(', ')
}
