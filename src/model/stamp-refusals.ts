import { describeStep } from './step.js'
import type { Lane } from './step.js'
import { laneKey } from './target.js'
import type { Targets } from './target.js'
import { writerOf } from './marker.js'
import type { LaneVerdict, Refusal, Verdict } from './verdict.js'

/** Why a store must not be stamped, or null: it has no data, its marker says more than the stamp would, or too little is said. */
export function refuseStamp(verdict: Verdict, targets: Targets): Refusal | null {
  const { spec, status, lanes, marker } = verdict
  const store = spec.name
  if (status === 'fresh')
    return {
      store,
      code: 'STAMP_REFUSED',
      message: `The store '${store}' has no data, so there is nothing to stamp. Nothing was changed.`,
      hint: 'Put its data there first. If it is to begin empty, run the upgrade: it applies the steps.',
      details: { store },
    }
  const isLost = verdict.refusal?.code === 'MARKER_LOST'
  if (status === 'unreadable' && !isLost && !verdict.damaged) return verdict.refusal
  if (marker === null) {
    const unsaid = lanes.filter(({ lane }) => !targets.has(laneKey(store, lane.track)))
    if (unsaid.length > 0) return unsaidLanes(store, unsaid)
  }
  const inTheWay = lanes.find((lane) => lane.status === 'diverged' || lane.status === 'edited')
  if (inTheWay && verdict.refusal)
    return { ...verdict.refusal, hint: `${verdict.refusal.hint} A stamp does not get round it.` }
  for (const lane of lanes) {
    const refusal = refuseLane(verdict, lane, targets.get(laneKey(store, lane.lane.track)))
    if (refusal) return refusal
  }
  return null
}

/** Nobody may guess that a plugin's steps were never applied: they would run on data that may have had them. */
function unsaidLanes(store: string, unsaid: readonly LaneVerdict[]): Refusal {
  const keys = unsaid.map(({ lane }) => laneKey(store, lane.track))
  return {
    store,
    code: 'STAMP_REFUSED',
    message: `The marker of '${store}' is not there to say how far ${keys.join(', ')} ${keys.length === 1 ? 'is' : 'are'}. Nothing was changed.`,
    hint: `Say it in the same stamp: ${unsaid.map(({ lane }) => `${laneKey(store, lane.track)}@${lane.names.at(-1) ?? 0}`).join(', ')} if all its steps were applied, ${keys.map((key) => `${key}@0`).join(', ')} if none was.`,
    details: { store },
  }
}

function refuseLane(verdict: Verdict, { lane, version, floor, entries }: LaneVerdict, target?: number): Refusal | null {
  if (target === undefined) return null
  const { spec } = verdict
  const key = laneKey(lane.store, lane.track)
  const head = lane.names.length
  if (version > head)
    return {
      store: spec.name,
      code: 'STORE_NEWER',
      message: `The marker of '${key}' says version ${version}; this program knows ${head}, and would stamp it ${target}. Nothing was changed.`,
      hint: `Stamp it with the program that knows version ${version}. ${olderCopy(verdict)}`,
      details: { store: spec.name, version, floor, head, writtenBy: writerOf(entries) },
    }
  if (target < lane.squashed)
    return {
      store: spec.name,
      code: 'STORE_TOO_OLD',
      message: `Stamped at version ${target}, '${key}' would be too old: this program has no steps before version ${lane.squashed}. Nothing was changed.`,
      hint: lane.lastIn
        ? `If the data is that old, stamp it with version ${lane.lastIn} of the program, the last that can upgrade it.`
        : 'If the data is that old, stamp it with a version of the program that still has those steps.',
      details: { store: spec.name, version: target, oldest: lane.squashed, lastIn: lane.lastIn },
    }
  if (target < version)
    return {
      store: spec.name,
      code: 'TARGET_BEHIND',
      message: `The marker of '${key}' says version ${version}. Stamped at ${target}, its steps ${lane.names.slice(target, version).join(', ')} would run a second time. Nothing was changed.`,
      hint: olderCopy(verdict),
      details: { store: spec.name },
    }
  return null
}

function olderCopy({ spec }: Verdict): string {
  if (spec.extent.is === 'database')
    return 'If the data is to be older, bring the whole database back from a copy: its marker is inside.'
  const { marker } = spec.extent
  const folder = spec.extent.is === 'file' ? spec.path.split('/').slice(0, -1).join('/') : spec.path
  return `If an older copy of the data was put back without its marker, move ${folder === '' ? marker : `${folder}/${marker}`} out of the root first: it belongs to other data.`
}

/** `step`: what the other store says that it did here, and from which version on that could be. */
export function refuseDisagreement(
  { spec }: Verdict,
  other: Verdict,
  step: { readonly lane: Lane; readonly step: string; readonly needed: number } | null,
): Refusal {
  const store = spec.name
  const why =
    step === null
      ? `a step changed both at once, and only one of them would know of it`
      : `the step ${describeStep(step.lane, step.step)} has written '${store}' at version ${step.needed}`
  return {
    store,
    code: 'STORE_DIVERGED',
    message: `Stamped so, the stores '${store}' and '${other.spec.name}' would contradict each other: ${why}. Nothing was changed.`,
    hint: `Stamp '${store}' at a later version, stamp both in one call, or bring back both from the same moment.`,
    details: { store, at: 0, ours: null, theirs: other.spec.name },
  }
}
