import { addEdge, sortByNeeds } from './order.js'
import type { MutableGraph } from './order.js'
import { describeReference } from './reference.js'
import type { AnyAt } from './reference.js'
import { describeStep, placeOf } from './step.js'
import type { Lane, Step } from './step.js'
import type { Store } from './store.js'

/** A plugin's list of steps on a store. */
export interface AnyTrack {
  readonly '~moult': 1
  readonly track: string
  readonly owner: string
  readonly '~lane': Lane
}

export function isTrack(value: unknown): value is AnyTrack {
  return typeof value === 'object' && value !== null && (value as Partial<AnyTrack>)['~moult'] === 1 && '~lane' in value
}

/** Everything that each step asks of other stores: what it reads, writes and depends on. */
function referencesOf(step: Step): readonly AnyAt[] {
  return [...Object.values(step.reads), ...Object.values(step.writes), ...step.dependsOn]
}

/**
 * Finds what is wrong with a set of stores before any of them is looked at: two of one name, a reference to a store or
 * step that is not there, steps that need one another in a circle. Throws a TypeError.
 */
export function checkDefinition(stores: readonly Store[], tracks: readonly AnyTrack[]): void {
  const names = new Set<string>()
  for (const { name } of stores) {
    if (names.has(name))
      throw new TypeError(`two stores are named '${name}'; is an older version of the store listed as well`)
    names.add(name)
  }
  const lanes = [...stores.map((store) => store['~store'].lane), ...tracks.map((track) => track['~lane'])]
  const laneNames = new Set<string>()
  for (const { store, track } of lanes) {
    if (!names.has(store))
      throw new TypeError(`the track '${track}' belongs to the store '${store}', which is not part of this state`)
    const key = `${store}/${track}`
    if (laneNames.has(key)) throw new TypeError(`two tracks of the store '${store}' are named '${track}'`)
    laneNames.add(key)
  }
  const deciding = new Set(stores.filter((store) => store['~store'].decides).map((store) => store.name))
  const before: MutableGraph = new Map()
  for (const lane of lanes) {
    lane.steps.forEach((step, index) => {
      const key = `${lane.store}/${lane.track}@${lane.squashed + index + 1}`
      if (lane.squashed + index > 0) addEdge(before, `${lane.store}/${lane.track}@${lane.squashed + index}`, key)
      checkStep(lane, step, lanes, deciding)
      for (const reference of referencesOf(step))
        addEdge(before, `${reference.store}/${reference.track}@${placeIn(lanes, reference)}`, key)
    })
  }
  const nodes = lanes.flatMap((lane) =>
    lane.names.map((name, index) => ({
      key: `${lane.store}/${lane.track}@${index + 1}`,
      group: lane.store,
      name: describeStep(lane, name),
    })),
  )
  const sorted = sortByNeeds(nodes, before)
  if ('circle' in sorted) {
    const circle = sorted.circle.map((key) => nodes.find((node) => node.key === key)?.name ?? key)
    throw new TypeError(`steps need one another in a circle: ${circle.join(' -> ')}`)
  }
}

function checkStep(lane: Lane, step: Step, lanes: readonly Lane[], deciding: ReadonlySet<string>): void {
  const name = describeStep(lane, step.name)
  for (const reference of referencesOf(step)) {
    const target = lanes.find((candidate) => candidate.store === reference.store && candidate.track === reference.track)
    if (!target)
      throw new TypeError(
        `the step ${name} refers to ${describeReference(reference)}, and '${reference.store}' is not part of this state`,
      )
    if (placeOf(target, reference.version) === null)
      throw new TypeError(`the step ${name} refers to ${describeReference(reference)}, which does not exist`)
  }
  for (const reference of [...Object.values(step.reads), ...Object.values(step.writes)]) {
    if (reference.store === lane.store)
      throw new TypeError(`the step ${name} lists its own store in reads or writes; it has that already`)
  }
  const names = [...Object.keys(step.reads), ...Object.keys(step.writes)]
  const twice = names.find((each, index) => names.indexOf(each) !== index)
  if (twice !== undefined) throw new TypeError(`the step ${name} lists '${twice}' both in reads and in writes`)
  const deciders = new Set(
    [lane.store, ...Object.values(step.writes).map((reference) => reference.store)].filter((store) =>
      deciding.has(store),
    ),
  )
  if (deciders.size > 1) {
    throw new TypeError(
      `the step ${name} writes several SQLite stores (${[...deciders].join(', ')}); one step can write one SQLite store and any number of files`,
    )
  }
}

function placeIn(lanes: readonly Lane[], reference: AnyAt): number {
  const lane = lanes.find((candidate) => candidate.store === reference.store && candidate.track === reference.track)
  return (lane && placeOf(lane, reference.version)) ?? 0
}
