import type { AnyTrack } from './definition.js'
import { describeStep } from './step.js'
import type { Store } from './store.js'

/** Throws a TypeError that names each step whose edit nobody could notice. */
export function checkChecksums(stores: readonly Store[], tracks: readonly AnyTrack[]): void {
  const lanes = [
    ...stores.filter((store) => store['~store'].hasChecksums).map((store) => store['~store'].lane),
    ...tracks.map((track) => track['~lane']),
  ]
  const bare = lanes.flatMap((lane) =>
    lane.steps.filter((step) => step.source === null).map((step) => describeStep(lane, step.name)),
  )
  if (bare.length === 0) return
  throw new TypeError(
    `defineState: requireChecksums, and these steps have none: ${bare.join(', ')}. Give each a \`checksum\`: any text that changes when the step does, such as '1'. In a step file: export const checksum = '1'`,
  )
}
