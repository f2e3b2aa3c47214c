import { findDisagreement } from './agreement.js'
import type { Marker, MarkerEntry, Touch } from './marker.js'
import type { Plan } from './plan.js'
import { startKey } from './span.js'
import { stampInto } from './stamp.js'
import type { Stamp } from './stamp.js'
import { refuseDisagreement, refuseStamp } from './stamp-refusals.js'
import { describeStep, placeOf, stepAt } from './step.js'
import type { Lane } from './step.js'
import { laneKey } from './target.js'
import type { Targets } from './target.js'
import type { LaneVerdict, Verdict } from './verdict.js'

/** Makes the entry of a step that is said to be applied. */
export type MakeEntry = (lane: Lane, place: number, how: Pick<MarkerEntry, 'commit' | 'wrote' | 'note'>) => MarkerEntry

/**
 * What would have to be written for each named store to be at its target, no step being run; or why that would be
 * nonsense. A stamp also says that the store belongs to the others as they are: what they remember of steps that they
 * shared with it is taken over, so that no marker contradicts another.
 */
export function planStamp(verdicts: readonly Verdict[], targets: Targets, reason: string, make: MakeEntry): Plan {
  const named = verdicts.filter(({ lanes }) => lanes.some((lane) => targets.has(keyOf(lane))))
  const refusals = named.flatMap((verdict) => refuseStamp(verdict, targets) ?? [])
  if (refusals.length > 0) return { items: [], refusals }

  const after = new Map(verdicts.flatMap(({ spec, marker }) => (marker ? [[spec.name, marker] as const] : [])))
  const stamps = new Map<string, Stamp>()
  for (const verdict of named) {
    const lanes = verdict.lanes.flatMap((lane) => stampedLane(lane, targets))
    const entries = verdict.lanes.flatMap((lane) => newEntries(lane, targets, verdicts, reason, make))
    const stamp: Stamp = { lanes, entries, touches: [], reason }
    stamps.set(verdict.spec.name, stamp)
    after.set(verdict.spec.name, stampInto(verdict.marker ?? emptyMarker(verdict.spec.name), stamp))
  }
  for (const { spec } of named) {
    const stamp = stamps.get(spec.name)
    const marker = after.get(spec.name)
    if (!stamp || !marker) continue
    const touches = missingTouches(marker, after)
    stamps.set(spec.name, { ...stamp, touches })
    after.set(spec.name, stampInto(marker, { ...stamp, entries: [], touches }))
  }
  const contradictions = named.flatMap((verdict) => contradiction(verdict, verdicts, after) ?? [])
  if (contradictions.length > 0) return { items: [], refusals: contradictions }
  return { items: named.flatMap((verdict) => itemOf(verdict, stamps.get(verdict.spec.name))), refusals: [] }
}

function emptyMarker(store: string): Marker {
  return { store, entries: [], touches: [], left: [] }
}

function keyOf({ lane }: LaneVerdict): string {
  return laneKey(lane.store, lane.track)
}

function stampedLane(verdict: LaneVerdict, targets: Targets): Stamp['lanes'][number][] {
  const place = targets.get(keyOf(verdict))
  if (place === undefined) return []
  return [{ track: verdict.lane.track, place, name: verdict.lane.names[place - 1] ?? null }]
}

function newEntries(
  verdict: LaneVerdict,
  targets: Targets,
  verdicts: readonly Verdict[],
  reason: string,
  make: MakeEntry,
): MarkerEntry[] {
  const { lane, version } = verdict
  const target = targets.get(keyOf(verdict)) ?? 0
  const entries: MarkerEntry[] = []
  for (let place = version + 1; place <= target; place++) {
    const by = describeStep(lane, lane.names[place - 1] ?? '')
    const touched = verdicts.flatMap(({ spec, marker }) =>
      (marker?.touches ?? []).flatMap((touch) => (touch.by === by ? [{ store: spec.name, commit: touch.commit }] : [])),
    )
    const commit = touched[0]?.commit ?? null
    const wrote = touched.filter((touch) => touch.commit === commit).map(({ store }) => store)
    entries.push(make(lane, place, { commit, wrote, note: reason }))
  }
  return entries
}

/** What other stores say that they wrote here, and this marker does not say. */
function missingTouches(marker: Marker, after: ReadonlyMap<string, Marker>): Touch[] {
  return [...after].flatMap(([store, { entries }]) =>
    entries.flatMap((entry): Touch[] => {
      if (entry.commit === null || !entry.wrote.includes(marker.store)) return []
      const touch = { by: describeStep({ store, track: entry.track }, entry.name), commit: entry.commit }
      return marker.touches.some(({ by, commit }) => by === touch.by && commit === touch.commit) ? [] : [touch]
    }),
  )
}

/** Two stores would still contradict each other, or this one would be older than another's step that wrote it. */
function contradiction(
  verdict: Verdict,
  verdicts: readonly Verdict[],
  after: ReadonlyMap<string, Marker>,
): Plan['refusals'][number] | null {
  const marked = (each: Verdict): Verdict => ({ ...each, marker: after.get(each.spec.name) ?? null })
  for (const other of verdicts) {
    if (other === verdict) continue
    if (findDisagreement([marked(verdict), marked(other)])) return refuseDisagreement(verdict, other, null)
    for (const { lane } of other.lanes) {
      for (const { track, place, wrote } of after.get(other.spec.name)?.entries ?? []) {
        const step = track === lane.track && wrote.includes(verdict.spec.name) ? stepAt(lane, place) : null
        for (const reference of Object.values(step?.writes ?? {})) {
          const written = verdict.lanes.find(
            (each) => each.lane.store === reference.store && each.lane.track === reference.track,
          )
          if (!written) continue
          const needed = placeOf(written.lane, reference.version) ?? 0
          const has = after.get(verdict.spec.name)?.entries.filter((entry) => entry.track === reference.track) ?? []
          if (has.length < needed) return refuseDisagreement(verdict, other, { lane, step: step?.name ?? '', needed })
        }
      }
    }
  }
  return null
}

function itemOf(verdict: Verdict, stamp: Stamp | undefined): Plan['items'][number][] {
  const store = verdict.spec.name
  if (!stamp) return []
  if (verdict.marker !== null && stamp.entries.length === 0 && stamp.touches.length === 0) return []
  const because = `said to be at ${stamp.lanes.map(({ track, place }) => `${laneKey(store, track)}@${place}`).join(', ')}`
  return [{ action: 'stamp', store, stamp, key: startKey(store), group: store, because, after: [] }]
}
