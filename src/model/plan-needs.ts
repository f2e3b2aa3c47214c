import { addEdge, comesBefore } from './order.js'
import type { MutableGraph } from './order.js'
import { describeReference } from './reference.js'
import type { AnyAt } from './reference.js'
import { startKey, stepKey } from './span.js'
import type { Span } from './span.js'
import { describeStep, placeOf, stepAt } from './step.js'
import type { Lane, Step } from './step.js'
import type { Refusal } from './verdict.js'

interface Need {
  readonly by: string
  readonly byKey: string
  readonly reference: AnyAt
  readonly place: number
  readonly span: Span
}

/**
 * Adds to `before` what planned steps need of other stores, and returns what cannot be had. A step that reads or
 * writes `store.at(n)` comes after step n and, where that is possible, before step n + 1; else the store must be able
 * to show itself as it was.
 */
export function linkNeeds(spans: readonly Span[], before: MutableGraph): Refusal[] {
  const refusals: Refusal[] = []
  const views: Need[] = []
  for (const span of spans) {
    const { lane } = span.lane
    for (let place = span.from + 1; place <= span.to; place++) {
      const step = stepAt(lane, place)
      if (!step) continue
      const needs = (references: readonly AnyAt[]): Need[] =>
        references.flatMap((reference) => needOf(lane, step, place, reference, spans))
      const seen = needs([...Object.values(step.reads), ...Object.values(step.writes)])
      for (const need of [...seen, ...needs(step.dependsOn)]) {
        const refusal = linkForward(need, before)
        if (refusal) refusals.push(refusal)
      }
      views.push(...seen)
    }
  }
  if (refusals.length > 0) return refusals
  return views.flatMap((need) => linkBackward(need, before) ?? [])
}

function needOf(lane: Lane, step: Step, place: number, reference: AnyAt, spans: readonly Span[]): Need[] {
  const span = spans.find(
    (each) => each.lane.lane.store === reference.store && each.lane.lane.track === reference.track,
  )
  if (!span) return []
  return [
    {
      by: describeStep(lane, step.name),
      byKey: stepKey(lane.store, lane.track, place),
      reference,
      place: placeOf(span.lane.lane, reference.version) ?? 0,
      span,
    },
  ]
}

/** The other store gets there first; a target that stops it before cuts this step off. */
function linkForward({ by, byKey, reference, place, span }: Need, before: MutableGraph): Refusal | null {
  addEdge(before, startKey(reference.store), byKey)
  if (place <= span.from) return null
  if (place <= span.to) {
    addEdge(before, stepKey(reference.store, reference.track, place), byKey)
    return null
  }
  return {
    store: span.lane.lane.store,
    code: 'DEPENDENCY_CUT_OFF',
    message: `The step ${by} needs ${describeReference(reference)}, and this upgrade brings '${reference.store}' only to version ${span.to}. Nothing was changed.`,
    hint: `Add the target ${describeReference(reference)}, or leave the targets out.`,
    details: { store: reference.store, step: by },
  }
}

/** The other store stays there until this step has seen it, or can show itself as it was. */
function linkBackward(need: Need, before: MutableGraph): Refusal | null {
  const { byKey, reference, place, span } = need
  const reached = Math.max(place, span.from)
  if (reached > place && !canShow(span, place, span.from)) return passed(need, span.from)
  if (reached < span.to) {
    const next = stepKey(reference.store, reference.track, reached + 1)
    if (!comesBefore(before, next, byKey)) addEdge(before, byKey, next)
    else if (!canShow(span, place, span.to)) return passed(need, span.to)
  }
  return null
}

/** Whether a store at version `from` can be shown as it was at `place`: nothing but additive steps lies between. */
function canShow(span: Span, place: number, from: number): boolean {
  const { lane, entries } = span.lane
  for (let each = place + 1; each <= from; each++) {
    const additive = entries[each - 1]?.additive ?? stepAt(lane, each)?.additive ?? false
    if (!additive) return lane.track === '' && from <= lane.names.length && span.verdict.spec.servesPast(place, from)
  }
  return true
}

function passed({ by, reference, place, span }: Need, from: number): Refusal {
  const { lane } = span.lane
  const inTheWay =
    lane.names.slice(place, from).find((_, index) => !(stepAt(lane, place + index + 1)?.additive ?? false)) ??
    lane.names[place] ??
    ''
  return {
    store: reference.store,
    code: 'VERSION_PASSED',
    message: `The step ${by} needs ${describeReference(reference)}, but '${reference.store}' is at version ${from} by then, and its step '${inTheWay}' lies in the way. Nothing was changed.`,
    hint: `Give '${inTheWay}' a way back (down), mark it additive if it is, or write the step against a later version of '${reference.store}'.`,
    details: { store: reference.store, step: by },
  }
}
