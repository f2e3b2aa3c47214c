/**
 * A store at one of its versions, made by `store.at(…)`. Compared by the names of store, track and step, never by
 * object identity: two copies of a framework's package mean the same store.
 */
export interface At<R = unknown, W = unknown> {
  readonly '~moult': 1
  readonly store: string
  /** `''` is the store's own list of steps. */
  readonly track: string
  /** A step's name, or a version number. */
  readonly version: number | string
  /** Only for the compiler: what a step sees of the store, reading and writing. */
  readonly '~views'?: { reader: R; writer: W }
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a reference of any store: views vary both ways
export type AnyAt = At<any, any>

export type References = { readonly [name: string]: AnyAt }

export function reference<R, W>(store: string, track: string, version: number | string): At<R, W> {
  return Object.freeze({ '~moult': 1, store, track, version } as const)
}

/** `notes@by-year`, as messages and the command line write it. */
export function describeReference({ store, track, version }: AnyAt): string {
  return `${store}${track === '' ? '' : `/${track}`}@${version}`
}
