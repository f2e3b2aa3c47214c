import type { AnyTrack } from './model/definition.js'
import { reference } from './model/reference.js'
import type { At, References } from './model/reference.js'
import { addStep, emptyLane, placeOf } from './model/step.js'
import type { Lane } from './model/step.js'
import { makeStep } from './model/step-options.js'
import type { StepOptions } from './model/step-options.js'
import { isStore } from './model/store.js'
import type { NewName } from './model/type-arithmetic.js'
import type { DirectoryStore } from './stores/directory/directory.js'
import type { FilesReader, FilesWriter } from './stores/files/files.js'
import type { DbReader, DbWriter } from './stores/sqlite/db.js'
import type { SqliteStore } from './stores/sqlite/sqlite.js'

/**
 * A second list of steps on somebody else's store, versioned on its own: a plugin's on a framework's. A program without
 * the plugin keeps its marker and goes on.
 */
export interface Track<O extends string, Own, OwnReader, S extends string, A> extends AnyTrack {
  readonly owner: O
  step<const X extends string, const R extends References = {}, const W extends References = {}>(
    name: NewName<X, S>,
    options: StepOptions<Own, OwnReader, R, W, Own extends { readonly db: DbWriter } ? string : never>,
  ): Track<O, Own, OwnReader, S | X, A>
  at(step: S): A
}

type SqliteTrack<N extends string> = Track<
  N,
  { readonly db: DbWriter },
  { readonly db: DbReader },
  never,
  At<DbReader, DbWriter>
>
type DirectoryTrack<N extends string> = Track<
  N,
  { readonly files: FilesWriter },
  { readonly files: FilesReader },
  never,
  At<FilesReader, FilesWriter>
>

// A store is not assignable to one with wider steps, so only `any` takes a store with whatever steps it has.
// oxlint-disable-next-line typescript/no-explicit-any
type AnySqliteStore<N extends string> = SqliteStore<N, any, any>
// oxlint-disable-next-line typescript/no-explicit-any
type AnyDirectoryStore<N extends string> = DirectoryStore<N, any, any>

/** Declares a track. Its steps order themselves against the store's own with `dependsOn: [store.at(…)]`. */
export function track<N extends string>(name: string, store: AnySqliteStore<N>): SqliteTrack<N>
export function track<N extends string>(name: string, store: AnyDirectoryStore<N>): DirectoryTrack<N>
export function track(name: string, store: unknown): unknown {
  if (!isStore(store)) throw new TypeError(`track('${name}'): the second argument is the store it belongs to`)
  if (!/^[\p{L}\p{N}][\p{L}\p{N}._-]{0,99}$/u.test(name))
    throw new TypeError(`track('${name}'): a name has letters, digits, '.', '_' and '-'`)
  if (store.kind === 'records')
    throw new TypeError(`track('${name}'): a records store has versions, not steps; a track on it has no meaning`)
  return build(emptyLane(store.name, name), store.kind === 'sqlite')
}

function build(lane: Lane, takesText: boolean): object {
  const owner = `track('${lane.track}', '${lane.store}')`
  return Object.freeze({
    '~moult': 1,
    track: lane.track,
    owner: lane.store,
    '~lane': lane,
    step: (name: string, options: object) => build(addStep(lane, makeStep(owner, name, options, takesText)), takesText),
    at: (step: string) => {
      if (placeOf(lane, step) === null) throw new TypeError(`${owner}: there is no step '${step}'`)
      return reference(lane.store, lane.track, step)
    },
  })
}
