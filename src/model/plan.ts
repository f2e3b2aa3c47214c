import { acceptedEdits, describeEdits } from './accept.js'
import type { AcceptedEdit } from './accept.js'
import { addEdge, sortByNeeds } from './order.js'
import type { MutableGraph } from './order.js'
import type { MarkerEntry } from './marker.js'
import { linkNeeds } from './plan-needs.js'
import { startKey, stepKey } from './span.js'
import type { Span } from './span.js'
import type { Stamp } from './stamp.js'
import { describeStep, stepAt } from './step.js'
import type { Step } from './step.js'
import { laneKey } from './target.js'
import type { Targets } from './target.js'
import { mainLane } from './verdict.js'
import type { Refusal, Verdict } from './verdict.js'

/** One thing to be done in a run. */
export type PlanItem = {
  readonly key: string
  readonly group: string
  readonly because: string
  /** Keys of the items that have to come before. */
  readonly after: readonly string[]
} & (
  | {
      readonly action: 'step'
      readonly store: string
      readonly track: string
      readonly place: number
      readonly step: Step
    }
  /** A step's way back; `entry` is what the marker says of it. */
  | {
      readonly action: 'undo'
      readonly store: string
      readonly track: string
      readonly place: number
      readonly step: Step
      readonly entry: MarkerEntry
    }
  /** Fresh data gets the flat schema, which stands for the places up to this one. */
  | { readonly action: 'flat'; readonly store: string; readonly place: number }
  /** The marker is made: for data from before moult at `place`, for fresh data at 0. */
  | { readonly action: 'start'; readonly store: string; readonly place: number; readonly fresh: boolean }
  /** Documents that were left are tried again, at the version that the store has. */
  | { readonly action: 'retry'; readonly store: string }
  /** Edits of applied steps go into the marker, as the caller asked. */
  | { readonly action: 'accept'; readonly store: string; readonly edits: readonly AcceptedEdit[] }
  /** The marker is written by hand: the steps between are said to be applied, and do not run. */
  | { readonly action: 'stamp'; readonly store: string; readonly stamp: Stamp }
)

/** What the flat schema is called where steps are named. */
export const flatName = 'flat schema'
/** What a retry is called there. */
export const retryName = 'left documents'
/** What a store before its first step is called there. */
export const startName = 'version 0'

export interface Plan {
  readonly items: readonly PlanItem[]
  readonly refusals: readonly Refusal[]
}

/**
 * One order over all stores: each list's own order, and what steps read, write and depend on. Pure and deterministic.
 * With refusals there are no items: nothing is done to a state of which one part cannot be handled (G2).
 */
export function planRun(verdicts: readonly Verdict[], targets: Targets | null): Plan {
  const refusals = verdicts.flatMap((verdict) => verdict.refusal ?? [])
  if (refusals.length > 0) return { items: [], refusals }
  const spans = verdicts.flatMap((verdict) => spansOf(verdict, verdicts, targets))
  const behind = spans.flatMap((span) => refuseTargetBehind(span, targets))
  if (behind.length > 0) return { items: [], refusals: behind }

  const items = [...verdicts.flatMap((verdict) => startOf(verdict, spans, targets)), ...spans.flatMap(stepsOf)]
  const before: MutableGraph = new Map()
  for (const span of spans) {
    const { store, track } = span.lane.lane
    for (let place = span.from + 1; place <= span.to; place++) {
      if (place > span.from + 1) addEdge(before, stepKey(store, track, place - 1), stepKey(store, track, place))
      addEdge(before, startKey(store), stepKey(store, track, place))
    }
  }
  const needs = linkNeeds(spans, before)
  if (needs.length > 0) return { items: [], refusals: needs }
  const sorted = sortByNeeds(byRank(items, verdicts), before)
  if ('circle' in sorted) throw new TypeError(`steps need one another in a circle: ${sorted.circle.join(' -> ')}`)
  return { items: sorted.order.map((item) => ({ ...item, after: [...(before.get(item.key) ?? [])] })), refusals: [] }
}

/** Stores in the order of their definition, so that the plan does not depend on anything else. */
function byRank(items: readonly PlanItem[], verdicts: readonly Verdict[]): PlanItem[] {
  const rank = new Map(verdicts.map((verdict, index) => [verdict.spec.name, index]))
  return items.toSorted((a, b) => (rank.get(a.store) ?? 0) - (rank.get(b.store) ?? 0))
}

function isWanted(verdict: Verdict, targets: Targets | null): boolean {
  return targets === null || verdict.lanes.some(({ lane }) => targets.has(laneKey(lane.store, lane.track)))
}

function spansOf(verdict: Verdict, verdicts: readonly Verdict[], targets: Targets | null): Span[] {
  return verdict.lanes.map((lane) => {
    const { store, track, names } = lane.lane
    const from = track === '' ? startingPlace(verdict, verdicts, targets) : lane.version
    const wanted = targets === null ? names.length : (targets.get(laneKey(store, track)) ?? from)
    return { verdict, lane, from, to: lane.status === 'newer' ? from : Math.max(wanted, from) }
  })
}

/** Where a store's own steps go on: after what its marker says, what it is adopted as, or its flat schema. */
function startingPlace(verdict: Verdict, verdicts: readonly Verdict[], targets: Targets | null): number {
  if (!isWanted(verdict, targets)) return mainLane(verdict).version
  if (verdict.status === 'legacy') return verdict.spec.adopt ?? 0
  if (verdict.status === 'fresh') return usesFlat(verdict, verdicts, targets) ? (verdict.spec.flat?.place ?? 0) : 0
  return mainLane(verdict).version
}

/**
 * A flat schema stands for steps that only shape the store. When one of them moves data in from a store that has some,
 * or when another step wants to see the store at a place below the flat schema's, a fresh store walks through the steps
 * instead (protocol 20).
 */
function usesFlat(verdict: Verdict, verdicts: readonly Verdict[], targets: Targets | null): boolean {
  const { flat, lane, name } = verdict.spec
  if (!flat) return false
  if (lane.squashed > 0) return true
  const target = targets?.get(name)
  if (target !== undefined && target < flat.place) return false
  const hasData = (store: string): boolean =>
    verdicts.some((other) => other.spec.name === store && other.status !== 'fresh')
  const moves = lane.steps
    .slice(0, flat.place)
    .some((step) => [...Object.values(step.reads), ...Object.values(step.writes)].some(({ store }) => hasData(store)))
  const seenBefore = verdicts.some((other) =>
    other.lanes.some((each) =>
      each.lane.steps
        .slice(Math.max(0, each.version - each.lane.squashed))
        .some((step) =>
          [...Object.values(step.reads), ...Object.values(step.writes)].some(
            (reference) =>
              reference.store === name &&
              reference.track === '' &&
              placeBelow(lane.names, reference.version, flat.place),
          ),
        ),
    ),
  )
  return !moves && !seenBefore
}

function placeBelow(names: readonly string[], version: number | string, place: number): boolean {
  return (typeof version === 'number' ? version : names.indexOf(version) + 1) < place
}

function startOf(verdict: Verdict, spans: readonly Span[], targets: Targets | null): PlanItem[] {
  const store = verdict.spec.name
  const base = { key: startKey(store), group: store, store, after: [] }
  const edits = acceptedEdits(verdict)
  if (edits.length > 0)
    return [{ ...base, action: 'accept', edits, because: `accepts the edit of ${describeEdits(store, edits)}` }]
  if (!isWanted(verdict, targets)) return []
  const place = spans.find((span) => span.verdict === verdict && span.lane.lane.track === '')?.from ?? 0
  if (verdict.status === 'legacy')
    return [
      {
        ...base,
        action: 'start',
        place,
        fresh: false,
        because: `data from before moult, ${place === 0 ? 'older than its first step' : `declared to be at version ${place}`}`,
      },
    ]
  if (isRetried(verdict, spans))
    return [{ ...base, action: 'retry', because: 'documents that were left have changed since' }]
  if (verdict.status !== 'fresh') return []
  if (place > 0)
    return [{ ...base, action: 'flat', place, because: `fresh: the flat schema stands for versions 1 to ${place}` }]
  return [{ ...base, action: 'start', place: 0, fresh: true, because: 'fresh: there is no data yet' }]
}

/** A store's own steps try again what was left, so that they need nothing before them. */
function isRetried(verdict: Verdict, spans: readonly Span[]): boolean {
  const main = spans.find((span) => span.verdict === verdict && span.lane.lane.track === '')
  return verdict.retry && main !== undefined && main.lane.status !== 'newer' && main.to === main.from
}

function stepsOf({ lane, from, to }: Span): PlanItem[] {
  const { store, track } = lane.lane
  const items: PlanItem[] = []
  for (let place = from + 1; place <= to; place++) {
    const step = stepAt(lane.lane, place)
    if (!step) throw new TypeError(`the step at place ${place} of '${laneKey(store, track)}' is gone`)
    items.push({
      key: stepKey(store, track, place),
      group: store,
      action: 'step',
      store,
      track,
      place,
      step,
      because: because(step, place),
      after: [],
    })
  }
  return items
}

function because(step: Step, place: number): string {
  const sees = [...Object.values(step.reads), ...Object.values(step.writes)].map(
    ({ store, version }) => `${store}@${version}`,
  )
  const after = step.dependsOn.map(({ store, version }) => `${store}@${version}`)
  return [
    `brings it to version ${place}`,
    sees.length > 0 ? `sees ${sees.join(', ')}` : '',
    after.length > 0 ? `comes after ${after.join(', ')}` : '',
  ]
    .filter(Boolean)
    .join('; ')
}

function refuseTargetBehind({ lane, from }: Span, targets: Targets | null): Refusal[] {
  const { store, track, names } = lane.lane
  const key = laneKey(store, track)
  const target = targets?.get(key)
  if (target === undefined || target >= from) return []
  return [
    {
      store,
      code: 'TARGET_BEHIND',
      message: `The target ${key}@${target} lies behind: '${key}' is at version ${from}${names[from - 1] ? ` (${describeStep(lane.lane, names[from - 1] ?? '')})` : ''}. Nothing was changed.`,
      hint: 'An upgrade only goes forward. Leave the target out, name a later one, or use downgrade.',
      details: { store },
    },
  ]
}
