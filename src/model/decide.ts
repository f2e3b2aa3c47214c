import { entriesOf, floorOf } from './marker.js'
import type { MarkerEntry } from './marker.js'
import { refuse } from './refusals.js'
import type { Status } from './report.js'
import { describeStep, stepAt } from './step.js'
import type { Digest, Lane } from './step.js'
import type { Judgement, LaneVerdict, Verdict } from './verdict.js'

/** Compares one list of steps with what the marker says of it (design, section 6). */
function decideLane(lane: Lane, entries: readonly MarkerEntry[], digest: Digest): LaneVerdict {
  const version = entries.length
  const verdict = { lane, version, floor: floorOf(entries), entries, at: null }
  const known = Math.min(version, lane.names.length)
  for (let index = 0; index < known; index++) {
    if (lane.names[index] !== entries[index]?.name) return { ...verdict, status: 'diverged', at: index + 1 }
  }
  const edited = entries.find((entry) => isEdited(lane, entry, digest))
  if (edited) return { ...verdict, status: 'edited', at: edited.place }
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
    decideLane(lane, marker ? entriesOf(marker, lane.track) : [], judgement.digest),
  )
  const status = marker
    ? (gravest.find((candidate) => lanes.some((lane) => lane.status === candidate)) ?? 'current')
    : statusWithoutMarker(judgement)
  const retry = found.is === 'marked' && found.retry === true
  const verdict = { spec, status, lanes, marker, retry, refusal: null }
  return { ...verdict, refusal: refuse(verdict, judgement) }
}

function statusWithoutMarker({ spec, found, hadMarker }: Judgement): Status {
  if (found.is === 'data') return hadMarker && !spec.describesItself ? 'unreadable' : 'legacy'
  if (found.is === 'nothing') return hadMarker && !found.exists ? 'unreadable' : 'fresh'
  return 'unreadable'
}
