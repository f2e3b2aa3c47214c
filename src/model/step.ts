import type { AnyAt, References } from './reference.js'

export type StepBody = string | ((context: never) => unknown)

/** One change of a store's schema. Frozen data; only the store's kind knows how to run `up`. */
export interface Step {
  readonly name: string
  readonly up: StepBody
  readonly down: StepBody | 'impossible' | null
  readonly validate: ((context: never) => unknown) | null
  /** A program that does not know this step may go on using the data. */
  readonly additive: boolean
  readonly reads: References
  readonly writes: References
  readonly dependsOn: readonly AnyAt[]
  /** What its checksum is made from: SQL text, a step file's text or what the author gave; null for a bare function. */
  readonly source: string | null
  readonly description: string | null
}

/**
 * A list of steps of one store: its own (track `''`) or a plugin's. A step's place in it, from 1, never changes: names
 * whose steps were squashed keep theirs.
 */
export interface Lane {
  readonly store: string
  readonly track: string
  /** All names in order of place, squashed ones included. */
  readonly names: readonly string[]
  /** The steps themselves; the first stands at place `squashed + 1`. */
  readonly steps: readonly Step[]
  /** How many of the first names have no step any more. */
  readonly squashed: number
  /** The last app version that still had the squashed steps. */
  readonly lastIn: string | null
}

export function emptyLane(store: string, track: string): Lane {
  return { store, track, names: [], steps: [], squashed: 0, lastIn: null }
}

export function stepAt(lane: Lane, place: number): Step | null {
  return lane.steps[place - lane.squashed - 1] ?? null
}

/** The place that a step's name or a version number means, or null. 0 is the store before its first step. */
export function placeOf(lane: Lane, version: number | string): number | null {
  if (typeof version === 'number') return version >= 0 && version <= lane.names.length ? version : null
  const index = lane.names.indexOf(version)
  return index === -1 ? null : index + 1
}

/** `store/step`, or `store/track/step`. */
export function describeStep(lane: { readonly store: string; readonly track: string }, name: string): string {
  return lane.track === '' ? `${lane.store}/${name}` : `${lane.store}/${lane.track}/${name}`
}

export function addStep(lane: Lane, step: Step): Lane {
  if (lane.names.includes(step.name)) {
    throw new TypeError(`${lane.store}: step '${step.name}' exists already; give the new step a name of its own`)
  }
  return Object.freeze({
    ...lane,
    names: Object.freeze([...lane.names, step.name]),
    steps: Object.freeze([...lane.steps, step]),
  })
}

/** Makes a checksum, `sha256:…`, of a step's source. Handed in, since this layer uses no library. */
export type Digest = (source: string) => string

/** One text for every checkout of it: no byte order mark, newlines as LF. */
export function normaliseSource(source: string): string {
  return source.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n')
}
