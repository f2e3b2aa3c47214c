import { entriesOf, floorOf } from './marker.js'
import type { MarkerEntry } from './marker.js'
import { refuse } from './refusals.js'
import type { Status } from './report.js'
import { stepKey } from './span.js'
import { describeStep, stepAt } from './step.js'
import type { Digest, Lane } from './step.js'
import type { Judgement, LaneVerdict, Verdict } from './verdict.js'

/** Compares one list of steps with what the marker says of it (design, section 6). */
function decideLane(lane: Lane, entries: readonly MarkerEntry[], { digest, accepts }: Judgement): LaneVerdict {
  const version = entries.length
  const differing = entries.filter((entry) => isEdited(lane, entry, digest)).map(({ place }) => place)
  // What a newer program wrote is its own to accept: it may know the step as it stands in the marker
  const isAccepted = (place: number): boolean =>
    version <= lane.names.length && accepts?.has(stepKey(lane.store, lane.track, place)) === true
  const edited = differing.filter((place) => !isAccepted(place))
  const accepted = differing.filter(isAccepted)
  const verdict = { lane, version, floor: floorOf(entries), entries, at: null, edited, accepted }
  const known = Math.min(version, lane.names.length)
  for (let index = 0; index < known; index++) {
    if (lane.names[index] !== entries[index]?.name) return { ...verdict, status: 'diverged', at: index + 1 }
  }
  const [first] = edited
  if (first !== undefined) return { ...verdict, status: 'edited', at: first }
  if (version > lane.names.length) return { ...verdict, status: 'newer' }
  if (version < lane.squashed) return { ...verdict, status: 'too-old' }
  return { ...verdict, status: version < lane.names.length ? 'behind' : 'current' }
}

function isEdited(lane: Lane, entry: MarkerEntry, digest: Digest): boolean {
  const source = stepAt(lane, entry.place)?.source ?? null
  return source !== null && entry.checksum !== null && digest(source) !== entry.checksum
}

/** Names of applied steps that have no checksum on one side, so that an edit would go unnoticed. */
export function uncheckedSteps({ lane, entries }: LaneVerdict): string[] {
  return entries
    .filter((entry) => entry.checksum === null || (stepAt(lane, entry.place)?.source ?? null) === null)
    .map((entry) => describeStep(lane, entry.name))
}

const gravest = ['diverged', 'edited', 'too-old', 'newer', 'behind', 'current'] as const

export function decideStore(judgement: Judgement): Verdict {
  const { spec, tracks, found } = judgement
  const marker = found.is === 'marked' ? found.marker : null
  const lanes = [spec.lane, ...tracks].map((lane) =>
    decideLane(lane, marker ? entriesOf(marker, lane.track) : [], judgement),
  )
  const status = marker
    ? (gravest.find((candidate) => lanes.some((lane) => lane.status === candidate)) ?? 'current')
    : statusWithoutMarker(judgement)
  const retry = found.is === 'marked' && found.retry === true
  const damaged = found.is === 'unreadable' && found.damaged === true
  const verdict = { spec, status, lanes, marker, retry, damaged, refusal: null }
  return { ...verdict, refusal: refuse(verdict, judgement) }
}

function statusWithoutMarker({ spec, found, hadMarker }: Judgement): Status {
  if (found.is === 'data') return hadMarker && !spec.describesItself ? 'unreadable' : 'legacy'
  if (found.is === 'nothing') return hadMarker && !found.exists ? 'unreadable' : 'fresh'
  return 'unreadable'
}
