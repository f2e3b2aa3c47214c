import { MoultFailure } from './errors.js'
import { stepKey } from './span.js'
import { placeOf } from './step.js'
import type { Lane } from './step.js'
import type { AnyAt } from './reference.js'

/** A version to go to: `store.at(…)`, or `store@version`, `store@step`, `store/track@step`. */
export type Target = AnyAt | `${string}@${string | number}`

/** Places to go to, by `store` or `store/track`. */
export type Targets = ReadonlyMap<string, number>

export function laneKey(store: string, track: string): string {
  return track === '' ? store : `${store}/${track}`
}

/** Looks each target up in the state's lists of steps. Throws TARGET_UNKNOWN, naming what there is. */
export function resolveTargets(
  targets: Target | readonly Target[] | undefined,
  lanes: readonly Lane[],
): Targets | null {
  if (targets === undefined) return null
  const list = Array.isArray(targets) ? (targets as readonly Target[]) : [targets as Target]
  const resolved = new Map<string, number>()
  for (const target of list) {
    const { lane, place } = resolveTarget(target, lanes)
    resolved.set(laneKey(lane.store, lane.track), place)
  }
  return resolved
}

/** The `stepKey`s of steps that are named like targets. Throws TARGET_UNKNOWN, also for a version 0: it is no step. */
export function resolveSteps(targets: readonly Target[], lanes: readonly Lane[]): ReadonlySet<string> {
  return new Set(
    targets.map((target) => {
      const { lane, place, text } = resolveTarget(target, lanes)
      if (place === 0)
        throw unknown(text, 'version 0 is no step', `Steps of '${lane.store}': ${lane.names.join(', ') || 'none'}.`)
      return stepKey(lane.store, lane.track, place)
    }),
  )
}

function resolveTarget(
  target: Target,
  lanes: readonly Lane[],
): { readonly lane: Lane; readonly place: number; readonly text: string } {
  const { key, version, text } = parseTarget(target)
  const lane = lanes.find((candidate) => laneKey(candidate.store, candidate.track) === key)
  if (!lane)
    throw unknown(
      text,
      `there is no store '${key}'`,
      `Stores: ${lanes.map((each) => laneKey(each.store, each.track)).join(', ')}.`,
    )
  const place = placeOf(lane, version) ?? (/^\d+$/.test(String(version)) ? placeOf(lane, Number(version)) : null)
  if (place === null)
    throw unknown(
      text,
      `'${key}' has no step or version '${version}'`,
      `Versions: 0 to ${lane.names.length}. Steps: ${lane.names.join(', ') || 'none'}.`,
    )
  return { lane, place, text }
}

function parseTarget(target: Target): { key: string; version: number | string; text: string } {
  if (typeof target !== 'string') {
    const key = laneKey(target.store, target.track)
    return { key, version: target.version, text: `${key}@${target.version}` }
  }
  const split = target.lastIndexOf('@')
  if (split <= 0 || split === target.length - 1)
    throw unknown(
      target,
      'it is not of the form store@version or store@step',
      'For example: notes@3, or notes@by-year.',
    )
  return { key: target.slice(0, split), version: target.slice(split + 1), text: target }
}

function unknown(text: string, why: string, hint: string): MoultFailure<'TARGET_UNKNOWN'> {
  return new MoultFailure('TARGET_UNKNOWN', { message: `The target '${text}' is unknown: ${why}.`, hint, details: {} })
}
