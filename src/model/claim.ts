/**
 * Which files are a store's. Pure data: `disk/walk.ts` applies it, `model/claims.ts` makes one for each store of a
 * state, so that no file belongs to two.
 */
export interface Claim {
  /** The store's directory, relative to the root, with `/`; `''` is the root. Paths in the store are relative to it. */
  readonly base: string
  /** Glob patterns of the store's files; `['**']` when all of the directory is the store's. */
  readonly files: readonly string[]
  /** Patterns of what is not ours. */
  readonly ignore: readonly string[]
  /** Patterns of what the app rebuilds from the store's files. */
  readonly derived: readonly string[]
  /** Files and whole directories below `base` that other stores own, SQLite's sidecars included. No patterns. */
  readonly others: readonly string[]
  /** The marker file, relative to `base`. */
  readonly marker: string
}
