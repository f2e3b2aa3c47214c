import type { MarkerEntry } from './marker.js'
import { describeStep, stepAt } from './step.js'
import type { Lane, Step } from './step.js'
import { laneKey } from './target.js'
import type { Targets } from './target.js'
import type { LaneVerdict, Refusal, Verdict } from './verdict.js'

/** A target that cannot be gone back to: it lies ahead, or nothing was ever applied here. */
export function refuseTarget(verdict: Verdict, { lane, version }: LaneVerdict, targets: Targets): Refusal | null {
  const { store, track, names } = lane
  const key = laneKey(store, track)
  const target = targets.get(key)
  if (target === undefined) return null
  const isLegacy = verdict.marker === null && verdict.status === 'legacy' && track === ''
  const from = isLegacy ? (verdict.spec.adopt ?? 0) : version
  if (target > from) {
    const name = names[from - 1]
    return {
      store,
      code: 'TARGET_AHEAD',
      message: `The target ${key}@${target} lies ahead: '${key}' is at version ${from}${name === undefined ? '' : ` (${describeStep(lane, name)})`}. Nothing was changed.`,
      hint: 'A downgrade only goes back. Leave the target out, or name an earlier one.',
      details: { store },
    }
  }
  if (!isLegacy || target === from) return null
  return {
    store,
    code: 'STORE_LEGACY',
    message: `The store '${store}' has data without a marker: no step was applied here that could be undone. Nothing was changed.`,
    hint: 'Leave the target out. Data from before moult cannot go back further than it came.',
    details: { store, path: verdict.spec.path },
  }
}

/** A step that ran here and has a way back, or was skipped and needs none, is no reason to refuse. */
export function refuseWithoutDown(lane: Lane, entry: MarkerEntry): Refusal | null {
  const step = stepAt(lane, entry.place)
  const why = whyNoDown(step, entry)
  if (why === null) return step === null ? null : refuseEdited(lane, step, entry)
  const name = describeStep(lane, entry.name)
  return {
    store: lane.store,
    code: 'DOWN_MISSING',
    message: `The step ${name} cannot be undone: ${why}. Nothing was changed.`,
    hint: `Go back no further than ${laneKey(lane.store, lane.track)}@${entry.place}, or put a copy of the whole state from before that step in its place.`,
    details: { store: lane.store, step: name },
  }
}

function whyNoDown(step: Step | null, { arrival }: MarkerEntry): string | null {
  if (arrival === 'flat') return 'it did not run here, a flat schema stood for it'
  if (arrival === 'adopted') return 'it did not run here, the data was there before moult'
  // Nobody saw what it left: its `down` may meet data that its `up` never made
  if (arrival === 'stamped') return 'it did not run here, a stamp says that it was applied'
  if (step === null) return 'its code is not in this program (a squash stands for it, or a newer program has it)'
  if (arrival === 'skipped') return null
  if (step.down === null) return "it has no 'down'"
  return step.down === 'impossible' ? 'it says that it has no way back' : null
}

/** Its `down` would be given other stores than its `up` wrote. */
function refuseEdited(lane: Lane, step: Step, { arrival, wrote }: MarkerEntry): Refusal | null {
  if (arrival !== 'step') return null
  const writes = [...new Set(Object.values(step.writes).map(({ store }) => store))]
  if (writes.length === wrote.length && writes.every((store) => wrote.includes(store))) return null
  const name = describeStep(lane, step.name)
  return {
    store: lane.store,
    code: 'STORE_EDITED',
    message: `The step ${name} was changed after it had been applied here: it wrote ${list(wrote)}, and now names ${list(writes)}. Nothing was changed.`,
    hint: 'Put the step back as it was when it ran.',
    details: { store: lane.store, step: name },
  }
}

function list(stores: readonly string[]): string {
  return stores.length === 0 ? 'no other store' : stores.join(', ')
}

/** Why a step could not be applied again from where the downgrade would leave the state, in words of the downgrade. */
export function refuseReapplying(refusal: Refusal): Refusal {
  const { store, code } = refusal
  const { step } = refusal.details as { readonly step?: string }
  if (store === null || step === undefined) return refusal
  const isPassed = code === 'VERSION_PASSED'
  return {
    ...refusal,
    message: `The step ${step} cannot be undone: it was written for '${store}' as it was, and '${store}' ${isPassed ? 'has gone on since' : 'has not got there'}, so that it could not be applied again. Nothing was changed.`,
    hint: isPassed
      ? `Bring '${store}' back as well: add a target for it.`
      : `Upgrade first, which brings '${store}' there.`,
  }
}
