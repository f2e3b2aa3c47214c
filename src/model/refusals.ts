import { writerOf } from './marker.js'
import { mayUseNewer } from './policy.js'
import { describeStep } from './step.js'
import { laneKey } from './target.js'
import type { Judgement, LaneVerdict, Refusal, Verdict } from './verdict.js'

/** Why a store keeps the whole state from being used or upgraded, or null. */
export function refuse(verdict: Verdict, judgement: Judgement): Refusal | null {
  const { spec, found, hadMarker } = judgement
  const store = spec.name
  const where = `'${store}' (${spec.path === '' ? '.' : spec.path})`
  if (found.is === 'unreadable') {
    return {
      store,
      code: found.code,
      message: `The store ${where} cannot be read: ${found.reason}.`,
      hint: found.hint,
      details: { store, path: spec.path },
    }
  }
  if (found.is === 'busy') {
    return {
      store,
      code: 'IN_USE',
      message: `The store ${where} kept changing while it was looked at.`,
      hint: 'Another program is writing to it. Stop that program, or try again.',
      details: { holder: null, waitedMs: 0 },
    }
  }
  if (found.is === 'nothing' && hadMarker && !found.exists) {
    return {
      store,
      code: 'STORE_MISSING',
      message: `The store ${where} was here before, and is gone. Nothing was changed.`,
      hint: `Bring it back (is a volume not mounted?). If it was removed on purpose, make an empty ${spec.extent.is === 'directory' ? 'directory' : 'file'} in its place.`,
      details: { store, path: spec.path },
    }
  }
  if (found.is === 'data' && hadMarker && !spec.describesItself) {
    return {
      store,
      code: 'MARKER_LOST',
      message: `The store ${where} has data, but its marker is gone, so nobody can say what version the data is. Nothing was changed.`,
      hint: 'Put the marker back from a copy of this store; or, if you know which version the data is, say so: moult stamp. If the program was told another path since, move the store there as it was, with its marker. Do not guess: running steps twice can destroy data.',
      details: { store, path: spec.path },
    }
  }
  if (verdict.status === 'legacy' && spec.adopt === null) {
    return {
      store,
      code: 'STORE_LEGACY',
      message: `The store ${where} has data without a marker, and ${judgement.program.app} does not say what such data is. Nothing was changed.`,
      hint: "If it is data from before moult, say how old it is: .adopt({ at: 'a step' }) if it is as that step leaves it, .adopt('oldest') if no step was applied to it.",
      details: { store, path: spec.path },
    }
  }
  if (found.is === 'data' && found.adopt && verdict.status === 'legacy') {
    return {
      store,
      code: 'STORE_LEGACY',
      message: `The store ${where} has data without a marker, and it is not what ${judgement.program.app} says such data is: ${found.adopt.refusedBecause}. Nothing was changed.`,
      hint: 'If another program keeps this data, start that one. If it is data from before moult, say so: .adopt({ at: …, userVersion: … }).',
      details: { store, path: spec.path },
    }
  }
  // Without a marker there is nothing to compare: fresh data gets what stands for the squashed steps, adopted data is past them.
  if (verdict.status === 'fresh' || (verdict.status === 'legacy' && (spec.adopt ?? 0) >= spec.lane.squashed))
    return null
  for (const lane of verdict.lanes) {
    const refusal = refuseLane(lane, judgement)
    if (refusal) return refusal
  }
  return null
}

function refuseLane(verdict: LaneVerdict, { program, onNewer, spec }: Judgement): Refusal | null {
  const { lane, version, floor } = verdict
  const store = lane.store
  const name = lane.track === '' ? `'${store}'` : `'${store}', track '${lane.track}',`
  const head = lane.names.length
  const writer = writerOf(verdict.entries)
  switch (verdict.status) {
    case 'newer':
      if (mayUseNewer(onNewer, floor, head)) return null
      return {
        store,
        code: 'STORE_NEWER',
        message: `The store ${name} is at version ${version}, written by ${describe(program.app, writer)}; this is ${describe(program.app, program.appVersion)}, which knows ${head}. The data needs at least version ${floor}. Nothing was changed.`,
        hint: writer
          ? `Start ${program.app} ${writer} or a newer one.`
          : `Start the version of ${program.app} that wrote it, or a newer one.`,
        details: { store, version, floor, head, writtenBy: writer },
      }
    case 'too-old':
      return {
        store,
        code: 'STORE_TOO_OLD',
        message: `The store ${name} is at version ${version}; this program has no steps before version ${lane.squashed}. Nothing was changed.`,
        hint: lane.lastIn
          ? `Start ${program.app} ${lane.lastIn} once: it is the last version that can upgrade this data. Then start this one.`
          : `Start an older version of ${program.app} that still has the step '${lane.names[version] ?? ''}'. Then start this one.`,
        details: { store, version, oldest: lane.squashed, lastIn: lane.lastIn },
      }
    case 'diverged': {
      const at = verdict.at ?? 1
      const ours = lane.names[at - 1] ?? null
      const theirs = verdict.entries[at - 1]?.name ?? null
      return {
        store,
        code: 'STORE_DIVERGED',
        message: `The store ${name} has the step '${theirs}' at place ${at}, where this program has '${ours}'; they agree up to version ${at - 1}. Nothing was changed.`,
        hint: `Start the version of ${program.app} that wrote this data${writer ? ` (${writer})` : ''}, or put both steps into one order and ship that.`,
        details: { store, at, ours, theirs },
      }
    }
    case 'edited': {
      const steps = verdict.edited.map((place) => describeStep(lane, lane.names[place - 1] ?? ''))
      const [step = ''] = steps
      const target = `${laneKey(lane.store, lane.track)}@${lane.names[(verdict.at ?? 1) - 1] ?? ''}`
      const were = steps.length === 1 ? `step ${step} was` : `steps ${steps.join(', ')} were`
      const it = steps.length === 1 ? 'it had' : 'they had'
      return {
        store: spec.name,
        code: 'STORE_EDITED',
        message: `The ${were} changed after ${it} been applied here. Nothing was changed in the data.`,
        hint:
          version > head
            ? `Start the version of ${program.app} that wrote this data${writer ? ` (${writer})` : ''}, or a newer one.`
            : `Put the step back as it was when it ran, and make a new step for the change. If the data is right as it is (only a comment was changed), accept it: acceptEdited: ['${target}'], or --accept-edited ${target}.`,
        details: { store: spec.name, step },
      }
    }
    case 'behind':
    case 'current':
      return null
  }
}

function describe(app: string, version: string | null): string {
  return version === null ? `${app} (version unknown)` : `${app} ${version}`
}
