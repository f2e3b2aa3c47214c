import type { AnyAt, At, References } from './reference.js'
import type { Step, StepBody } from './step.js'
import type { StepContext } from './store.js'

export type MaybePromise<T> = T | Promise<T>
type ReaderOf<A> = A extends At<infer R, infer _W> ? R : never
type WriterOf<A> = A extends At<infer _R, infer W> ? W : never
/** What a step sees of the stores it names: readers for `reads`, writers for `writes`. */
export type Views<R extends References, W extends References> = { readonly [K in keyof R]: ReaderOf<R[K]> } & {
  readonly [K in keyof W]: WriterOf<W[K]>
}

/** How a step is written down. `Own` is what its code gets of its own store, `Text` SQL text where the kind takes it. */
export interface StepOptions<Own, OwnReader, R extends References, W extends References, Text> {
  /** The change itself: SQL text where the store takes it, or a function. */
  readonly up: Text | ((context: StepContext & Own & { readonly stores: Views<R, W> }) => MaybePromise<void>)
  /** The way back, run by a downgrade: removes what `up` added and nothing else. `'impossible'` says that there is none. */
  readonly down?:
    Text | 'impossible' | ((context: StepContext & Own & { readonly stores: Views<R, W> }) => MaybePromise<void>)
  /** Runs after `up`, before the commit: `true`, or a sentence that says what is wrong. A forgotten `return` does not compile. */
  readonly validate?: (context: OwnReader & { readonly stores: Views<R, W> }) => MaybePromise<boolean | string>
  /** Programs that do not know this step may go on using the data. Default false: it raises the floor. */
  readonly additive?: boolean
  /** Other stores that the step reads, at the version it was written for. */
  readonly reads?: R
  /** Other stores that the step writes; they are committed together with its own. */
  readonly writes?: W
  /** Steps that must have been applied before; they are not shown to this step. */
  readonly dependsOn?: readonly AnyAt[]
  /** For functions: any text that changes when the step does. SQL text and step files have theirs of themselves. */
  readonly checksum?: string
  readonly description?: string
}

const known = ['up', 'down', 'validate', 'additive', 'reads', 'writes', 'dependsOn', 'checksum', 'description']
const namePattern = /^[\p{L}\p{N}][\p{L}\p{N}._ -]{0,99}$/u

/** The given step as frozen data. Throws a TypeError for whatever could not be meant. `takesText`: `up` may be SQL. */
export function makeStep(owner: string, name: string, options: object, takesText: boolean): Step {
  const where = `${owner}: step '${name}'`
  if (typeof name !== 'string' || !namePattern.test(name)) {
    throw new TypeError(
      `${owner}: '${name}' is no name for a step; use letters, digits, '.', '_', '-' and spaces, at most 100`,
    )
  }
  if (typeof options !== 'object' || options === null) throw new TypeError(`${where}: its options are missing`)
  const stray = Object.keys(options).find((key) => !known.includes(key))
  if (stray !== undefined) throw new TypeError(`${where}: unknown option '${stray}'; known are ${known.join(', ')}`)
  const given = options as Partial<StepOptions<unknown, unknown, References, References, string>>
  checkBody(where, 'up', given.up, takesText)
  if (given.down !== undefined && given.down !== 'impossible') checkBody(where, 'down', given.down, takesText)
  if (given.validate !== undefined && typeof given.validate !== 'function')
    throw new TypeError(`${where}: 'validate' must be a function`)
  if (isGenerator(given.validate))
    throw new TypeError(`${where}: 'validate' is a generator, of which nothing would run`)
  for (const reference of [
    ...Object.values(given.reads ?? {}),
    ...Object.values(given.writes ?? {}),
    ...(given.dependsOn ?? []),
  ]) {
    if ((reference as Partial<AnyAt> | null)?.['~moult'] !== 1)
      throw new TypeError(`${where}: reads, writes and dependsOn take store.at(…)`)
  }
  return Object.freeze({
    name,
    up: given.up as StepBody,
    down: (given.down as StepBody | undefined) ?? null,
    validate: (given.validate as Step['validate'] | undefined) ?? null,
    additive: given.additive ?? false,
    reads: Object.freeze({ ...given.reads }),
    writes: Object.freeze({ ...given.writes }),
    dependsOn: Object.freeze([...(given.dependsOn ?? [])]),
    source: given.checksum ?? (typeof given.up === 'string' ? given.up : null),
    description: given.description ?? null,
  })
}

function checkBody(where: string, key: string, body: unknown, takesText: boolean): void {
  if (isGenerator(body)) throw new TypeError(`${where}: '${key}' is a generator, of which nothing would run`)
  if (typeof body === 'function' || (takesText && typeof body === 'string')) return
  throw new TypeError(`${where}: '${key}' must be a function${takesText ? ' or SQL text' : ''}`)
}

function isGenerator(body: unknown): boolean {
  return typeof body === 'function' && /Generator/.test(Object.prototype.toString.call(body))
}
