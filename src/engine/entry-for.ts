import { digestSource } from '../disk/digest.js'
import type { MarkerEntry } from '../model/marker.js'
import type { Step } from '../model/step.js'
import type { Program } from '../model/verdict.js'

/** What the marker is to say of a step, as this program knows it now. */
export function entryFor(
  { appVersion }: Program,
  track: string,
  place: number,
  name: string,
  step: Step | null,
  how: Pick<MarkerEntry, 'arrival' | 'commit' | 'wrote' | 'note'>,
): MarkerEntry {
  return {
    track,
    place,
    name,
    // A step that did not run here can be edited freely, unless somebody said that it had
    checksum: ['flat', 'adopted'].includes(how.arrival) || step?.source == null ? null : digestSource(step.source),
    additive: step?.additive ?? false,
    description: step?.description ?? null,
    appliedAt: Math.floor(Date.now() / 1000),
    appVersion,
    ...how,
  }
}
