import { floorOf } from './marker.js'
import type { MarkerEntry } from './marker.js'
import { planRun } from './plan.js'
import type { Plan, PlanItem } from './plan.js'
import { describeReference } from './reference.js'
import type { AnyAt } from './reference.js'
import { refuseReapplying, refuseTarget, refuseWithoutDown } from './refuse-downgrade.js'
import { describeStep, placeOf, stepAt } from './step.js'
import type { Step } from './step.js'
import { laneKey } from './target.js'
import type { Targets } from './target.js'
import type { LaneVerdict, Refusal, Verdict } from './verdict.js'

/** What is undone in one list of steps: the places from `from` down to `to` (exclusive). */
interface Retreat {
  readonly verdict: Verdict
  readonly lane: LaneVerdict
  readonly to: number
}

/**
 * The steps past the targets, undone in exactly the reverse of the order in which an upgrade would apply them again: an
 * upgrade from there is planned and turned round. So whoever goes back can go forward again, and each `down` sees the
 * other stores as its `up` did. Lists that are not named stay. One step that has no way back, or that somebody who stays
 * needs, refuses all (G2). Pure and deterministic.
 */
export function planDowngrade(verdicts: readonly Verdict[], targets: Targets): Plan {
  const refuse = (refusals: readonly Refusal[]): Plan => ({ items: [], refusals })
  const unusable = verdicts.flatMap((verdict) => verdict.refusal ?? [])
  if (unusable.length > 0) return refuse(unusable)

  const unreachable = verdicts.flatMap((verdict) =>
    verdict.lanes.flatMap((lane) => refuseTarget(verdict, lane, targets) ?? []),
  )
  if (unreachable.length > 0) return refuse(unreachable)

  const retreats = verdicts.flatMap((verdict) => retreatsOf(verdict, targets))
  const stuck = retreats.flatMap((retreat) =>
    undoneEntries(retreat).flatMap((entry) => refuseWithoutDown(retreat.lane.lane, entry) ?? []),
  )
  if (stuck.length > 0) return refuse(stuck)
  const needed = [...refuseNeeded(verdicts, retreats), ...refuseUnknown(verdicts, retreats)]
  if (needed.length > 0) return refuse(needed)

  const again = planRun(
    verdicts.map((verdict) => afterwards(verdict, retreats)),
    new Map(retreats.map(({ lane }) => [laneKey(lane.lane.store, lane.lane.track), lane.version])),
  )
  if (again.refusals.length > 0) return refuse(again.refusals.map(refuseReapplying))
  return { items: turnRound(again.items, retreats), refusals: [] }
}

function retreatsOf(verdict: Verdict, targets: Targets): Retreat[] {
  if (verdict.marker === null) return []
  return verdict.lanes.flatMap((lane) => {
    const to = targets.get(laneKey(lane.lane.store, lane.lane.track))
    return to === undefined || to >= lane.version ? [] : [{ verdict, lane, to }]
  })
}

/** What the marker says of the steps that are undone, the last one first. */
function undoneEntries({ lane, to }: Retreat): readonly MarkerEntry[] {
  return lane.entries.slice(to).toReversed()
}

/** Steps that stay, in whatever list, and that read, write or depend on one that would go. */
function refuseNeeded(verdicts: readonly Verdict[], retreats: readonly Retreat[]): Refusal[] {
  const refusals: Refusal[] = []
  for (const lane of verdicts.flatMap((verdict) => verdict.lanes)) {
    const stays = retreats.find((retreat) => retreat.lane === lane)?.to ?? lane.version
    for (let place = 1; place <= stays; place++) {
      const step = stepAt(lane.lane, place)
      if (!step) continue
      const reference = referencesOf(step).find((each) => isUndone(each, retreats))
      if (reference) refusals.push(stillNeeded(lane, step, reference))
    }
  }
  return refusals
}

function referencesOf(step: Step): readonly AnyAt[] {
  return [...Object.values(step.reads), ...Object.values(step.writes), ...step.dependsOn]
}

function isUndone(reference: AnyAt, retreats: readonly Retreat[]): boolean {
  return retreats.some(({ lane: { lane, version }, to }) => {
    if (lane.store !== reference.store || lane.track !== reference.track) return false
    const place = placeOf(lane, reference.version) ?? 0
    return place > to && place <= version
  })
}

function stillNeeded({ lane, entries }: LaneVerdict, step: Step, reference: AnyAt): Refusal {
  const place = entries.findIndex((entry) => entry.name === step.name)
  const name = describeStep(lane, step.name)
  return {
    store: reference.store,
    code: 'STILL_NEEDED',
    message: `The step ${name} needs ${describeReference(reference)}, which would be undone, and stays itself. Nothing was changed.`,
    hint: `Undo it as well: add the target ${laneKey(lane.store, lane.track)}@${place}, or an earlier one.`,
    details: { store: reference.store, step: name },
  }
}

/**
 * Steps that this program does not know and that may stand on what would be undone: of a plugin that is not here, in the
 * same store; and those that wrote into it. What they need nobody can say.
 */
function refuseUnknown(verdicts: readonly Verdict[], retreats: readonly Retreat[]): Refusal[] {
  const known = new Set(
    verdicts.flatMap(({ lanes }) =>
      lanes.flatMap(({ lane }) => lane.steps.map(({ name }) => describeStep(lane, name))),
    ),
  )
  return [...new Set(retreats.map(({ verdict }) => verdict))].flatMap((verdict) => {
    const store = verdict.spec.name
    const tracks = new Set(verdict.lanes.map(({ lane }) => lane.track))
    const detached = (verdict.marker?.entries ?? [])
      .filter(({ track }) => !tracks.has(track))
      .map(({ track, name }) => describeStep({ store, track }, name))
    const writers = (verdict.marker?.touches ?? []).map(({ by }) => by).filter((by) => !known.has(by))
    return [...detached, ...writers].slice(0, 1).map((step): Refusal => ({
      store,
      code: 'STILL_NEEDED',
      message: `The step ${step} stands in the marker of '${store}', and this program does not know it: nobody can say what it needs. Nothing was changed.`,
      hint: 'Start the program that has this step, and undo it there first.',
      details: { store, step },
    }))
  })
}

/** The verdict once everything is undone. */
function afterwards(verdict: Verdict, retreats: readonly Retreat[]): Verdict {
  return {
    ...verdict,
    lanes: verdict.lanes.map((lane) => {
      const retreat = retreats.find((each) => each.lane === lane)
      if (!retreat) return lane
      const entries = lane.entries.slice(0, retreat.to)
      return { ...lane, status: 'behind', version: retreat.to, entries, floor: floorOf(entries) }
    }),
  }
}

/** What came after a step comes before it now. */
function turnRound(items: readonly PlanItem[], retreats: readonly Retreat[]): readonly PlanItem[] {
  return items.toReversed().flatMap((item): PlanItem[] => {
    if (item.action !== 'step') return []
    const { key, group, store, track, place, step } = item
    const entry = retreats.find(({ lane }) => lane.lane.store === store && lane.lane.track === track)?.lane.entries[
      place - 1
    ]
    if (!entry) throw new TypeError(`the marker of '${laneKey(store, track)}' has no step at place ${place}`)
    const after = items.filter((other) => other.after.includes(key)).map((other) => other.key)
    const because = `takes it back to version ${place - 1}`
    return [{ key, group, because, after, action: 'undo', store, track, place, step, entry }]
  })
}
