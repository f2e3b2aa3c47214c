import { normalisePath } from '../../model/claims.js'
import { checkLoadedSteps } from '../../model/loaded-steps.js'
import type { LoadedSteps } from '../../model/loaded-steps.js'
import type { NewerPolicy } from '../../model/policy.js'
import { reference } from '../../model/reference.js'
import type { At, References } from '../../model/reference.js'
import { addStep, emptyLane, placeOf } from '../../model/step.js'
import { makeStep } from '../../model/step-options.js'
import type { StepOptions } from '../../model/step-options.js'
import type { Store, StoreCode, StoreSpec } from '../../model/store.js'
import { checkAdopt, checkNewerPolicy, checkOptionNames, checkStoreName } from '../../model/store-options.js'
import type { NewName, Succ } from '../../model/type-arithmetic.js'
import { checkPatterns, markerName } from '../files/definition.js'
import { examineFiles } from '../files/examine-files.js'
import type { FilesReader, FilesWriter } from '../files/files.js'

export interface DirectoryOptions {
  /** The directory, relative to the state's root, with `/`; `'.'` is the root. */
  readonly path: string
  /** Patterns of the files that are the store's, relative to `path`. Default: all in the directory. */
  readonly files?: string | readonly string[]
  /** Patterns of what is not the store's: never read, changed or backed up. A directory's name means all in it. */
  readonly ignore?: readonly string[]
  /** Patterns of what the app rebuilds from the store's files: not backed up, removed when a step changes what it stands beside. */
  readonly derived?: readonly string[]
  /**
   * The marker's file name, not `*.json`. Default `.schema-version`; `.<store>.schema-version` where the directory may be
   * others' too: for the path `'.'`, and where `files` names its files one by one.
   */
  readonly marker?: string
  /** What to do when a newer program wrote the store. Default: as `open` says, else `'floor'`. */
  readonly onNewer?: NewerPolicy
}

export type DirectoryStepOptions<R extends References, W extends References> = StepOptions<
  { readonly files: FilesWriter },
  { readonly files: FilesReader },
  R,
  W,
  never
>

/**
 * A directory of files. Each call gives a new, frozen store, and the one it is called on stays as it is: a step whose
 * result is dropped is no part of anything. `R` collects what `at` accepts: step names and version numbers; `H` is the
 * version.
 */
export interface DirectoryStore<N extends string, R extends string | number, H extends number> extends Store<N> {
  readonly kind: 'directory'
  /** Adds a step, which gets `files`. What it does is seen by others with its marker, all at once, or never. */
  step<const X extends string, const Rd extends References = {}, const Wr extends References = {}>(
    name: NewName<X, R>,
    options: DirectoryStepOptions<Rd, Wr>,
  ): DirectoryStore<N, R | X | Succ<H>, Succ<H>>
  /** Adds steps from files or modules, see `stepsFrom`. */
  steps(loaded: LoadedSteps): DirectoryStore<N, string | number, number>
  /** What files without a marker are: at the beginning of the steps, or after one of them. Without it, they are refused. */
  adopt(how: 'oldest' | { readonly at: R }): DirectoryStore<N, R, H>
  /** The store at one of its versions, for `reads`, `writes`, `dependsOn` and targets. */
  at(step: R): At<FilesReader, FilesWriter>
}

const code: StoreCode = {
  examine: (place) => examineFiles(place),
  begin: async (place, run, expected) => (await import('./transaction.js')).beginDirectory(place, run, expected),
  verify: async (place) => (await import('../files/verify-files.js')).verifyFiles(place),
}

const optionNames = ['path', 'files', 'ignore', 'derived', 'marker', 'onNewer']

/** Declares a directory of the state. Throws a TypeError for options that cannot be meant. */
export function directory<const N extends string>(name: N, options: DirectoryOptions): DirectoryStore<N, 0, 0> {
  checkStoreName('directory', name)
  const owner = `directory('${name}')`
  checkOptionNames(owner, options, optionNames)
  const path = normalisePath(owner, options.path)
  const files = checkPatterns(owner, 'files', options.files ?? ['**'])
  if (files.length === 0) throw new TypeError(`${owner}: 'files' lists nothing; leave it out for all files`)
  return build<N, 0, 0>({
    name,
    kind: 'directory',
    path,
    extent: Object.freeze({
      is: 'directory',
      files,
      ignore: checkPatterns(owner, 'ignore', options.ignore ?? []),
      derived: checkPatterns(owner, 'derived', options.derived ?? []),
      marker: markerName(owner, options.marker, { name, path, files }),
    }),
    lane: emptyLane(name, ''),
    flat: null,
    adopt: null,
    describesItself: false,
    hasChecksums: true,
    onNewer: checkNewerPolicy(owner, options.onNewer),
    decides: false,
    servesPast: () => false,
    code,
    own: null,
  })
}

function build<N extends string, R extends string | number, H extends number>(
  spec: StoreSpec,
): DirectoryStore<N, R, H> {
  const owner = `directory('${spec.name}')`
  const findPlace = (version: string | number): number => {
    const place = placeOf(spec.lane, version)
    if (place === null)
      throw new TypeError(
        `${owner}: there is no step or version '${version}'; steps: ${spec.lane.names.join(', ') || 'none'}`,
      )
    return place
  }
  const store = {
    '~moult': 1,
    name: spec.name,
    kind: 'directory',
    '~store': Object.freeze(spec),
    step: (name: string, options: object) =>
      build({ ...spec, lane: addStep(spec.lane, makeStep(owner, name, options, false)) }),
    steps: (loaded: LoadedSteps) => {
      const steps = checkLoadedSteps(owner, loaded)
      return build({
        ...spec,
        lane: steps.reduce((lane, step) => addStep(lane, makeStep(owner, step.name, step.options, false)), spec.lane),
      })
    },
    adopt: (how: 'oldest' | { readonly at: string | number }) => {
      checkAdopt(owner, spec.adopt, how)
      return build({ ...spec, adopt: how === 'oldest' ? 0 : findPlace(how.at) })
    },
    at: (version: string | number) => {
      findPlace(version)
      return reference<FilesReader, FilesWriter>(spec.name, '', version)
    },
  }
  return Object.freeze(store) as unknown as DirectoryStore<N, R, H>
}
