import { normalisePath } from '../../model/claims.js'
import { checkLoadedSteps } from '../../model/loaded-steps.js'
import type { LoadedSteps } from '../../model/loaded-steps.js'
import type { NewerPolicy } from '../../model/policy.js'
import { reference } from '../../model/reference.js'
import type { At, References } from '../../model/reference.js'
import { addStep, emptyLane, placeOf } from '../../model/step.js'
import type { Lane } from '../../model/step.js'
import { makeStep } from '../../model/step-options.js'
import type { StepOptions } from '../../model/step-options.js'
import type { Store, StoreCode, StoreSpec } from '../../model/store.js'
import { checkAdopt, checkNewerPolicy, checkOptionNames, checkStoreName } from '../../model/store-options.js'
import type { NewName, Succ } from '../../model/type-arithmetic.js'
import type { DbReader, DbWriter } from './db.js'
import { examineDatabase } from './examine.js'
import type { SqliteOwn } from './own.js'

export interface SqliteOptions {
  /** The database file, relative to the state's root, with `/`. */
  readonly path: string
  /** Name of the marker table. Default `moult_steps`. */
  readonly table?: string
  /**
   * Also stamps `PRAGMA user_version` with the version, for programs without moult: older releases of the app then
   * refuse or leave alone what is newer. It decides nothing here, but must agree with the marker or be 0: a database
   * from before this option was given is stamped by its next step. A number is added to the version, for an app that
   * had counted on before moult: with 2, the first version is stamped as 3. Default false.
   */
  readonly userVersion?: boolean | number
  /** What to do when a newer program wrote the database. Default: as `open` says, else `'floor'`. */
  readonly onNewer?: NewerPolicy
}

/**
 * What `PRAGMA user_version` must say for data to be adopted. Default: 0 where `userVersion: true`, the stamp of that
 * version where `userVersion` is a number, else anything.
 */
interface AdoptAt<R> {
  readonly at: R
  readonly userVersion?: number
}

export type SqliteStepOptions<R extends References, W extends References> = StepOptions<
  { readonly db: DbWriter },
  { readonly db: DbReader },
  R,
  W,
  string
>

/**
 * A SQLite database. Each call gives a new, frozen store; use the last one. `R` collects what `at` accepts: step names
 * and version numbers; `H` is the version.
 */
export interface SqliteStore<N extends string, R extends string | number, H extends number> extends Store<N> {
  readonly kind: 'sqlite'
  /** Adds a step: SQL text, or a function that gets `db`. It runs in a transaction with its marker row. */
  step<const X extends string, const Rd extends References = {}, const Wr extends References = {}>(
    name: NewName<X, R>,
    options: SqliteStepOptions<Rd, Wr>,
  ): SqliteStore<N, R | X | Succ<H>, Succ<H>>
  /** Adds steps from files or modules, see `stepsFrom`. */
  steps(loaded: LoadedSteps): SqliteStore<N, string | number, number>
  /** A fresh database gets this schema instead of the steps above it. */
  flat(sql: string): SqliteStore<N, R, H>
  /** A squash: the steps named in `replaces` are gone from the code; a database that has only some of them is too old. */
  flat<const X extends readonly string[]>(
    sql: string,
    options: { readonly replaces: H extends 0 ? X : never; readonly lastIn?: string },
  ): SqliteStore<N, R | X[number] | X['length'], X['length']>
  /** What a database without a marker is: at the beginning of the steps, or after one of them. Without it, it is refused. */
  adopt(how: 'oldest' | AdoptAt<R>): SqliteStore<N, R, H>
  /** The store at one of its versions, for `reads`, `writes`, `dependsOn` and targets. */
  at(step: R): At<DbReader, DbWriter>
}

const code: StoreCode = {
  examine: (place) => examineDatabase(place),
  begin: async (place, run, expected) => (await import('./begin.js')).beginTransaction(place, run, expected),
  verify: async (place, scope) => (await import('./verify.js')).verifyDatabase(place, scope),
}

const options = ['path', 'table', 'userVersion', 'onNewer']

/** Declares a SQLite database of the state. Throws a TypeError for options that cannot be meant. */
export function sqlite<const N extends string>(name: N, given: SqliteOptions): SqliteStore<N, 0, 0> {
  checkStoreName('sqlite', name)
  const owner = `sqlite('${name}')`
  checkOptionNames(owner, given, options)
  const path = normalisePath(owner, given.path)
  if (path === '') throw new TypeError(`${owner}: the path must name a file`)
  const table = given.table ?? 'moult_steps'
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(table) || /^sqlite_/i.test(table))
    throw new TypeError(`${owner}: '${table}' cannot be the name of a marker table`)
  return build<N, 0, 0>({
    name,
    kind: 'sqlite',
    path,
    extent: { is: 'database', sidecars: ['-wal', '-shm', '-journal'] },
    lane: emptyLane(name, ''),
    flat: null,
    adopt: null,
    describesItself: false,
    hasChecksums: true,
    onNewer: checkNewerPolicy(owner, given.onNewer),
    decides: true,
    servesPast: () => false,
    code,
    own: {
      table,
      userVersion: checkUserVersion(owner, given.userVersion),
      flatSql: null,
      adoptUserVersion: null,
    } satisfies SqliteOwn,
  })
}

function build<N extends string, R extends string | number, H extends number>(spec: StoreSpec): SqliteStore<N, R, H> {
  const owner = `sqlite('${spec.name}')`
  const own = spec.own as SqliteOwn
  const withLane = <R2 extends string | number, H2 extends number>(lane: Lane): SqliteStore<N, R2, H2> =>
    build({ ...spec, lane })
  const store = {
    '~moult': 1,
    name: spec.name as N,
    kind: 'sqlite',
    '~store': Object.freeze(spec),
    step: (name: string, stepOptions: object) => withLane(addStep(spec.lane, makeStep(owner, name, stepOptions, true))),
    steps: (loaded: LoadedSteps) =>
      withLane(
        checkLoadedSteps(owner, loaded).reduce(
          (lane, step) => addStep(lane, makeStep(owner, step.name, step.options, true)),
          spec.lane,
        ),
      ),
    flat: (sql: string, squash?: { readonly replaces: readonly string[]; readonly lastIn?: string }) => {
      if (typeof sql !== 'string' || sql.trim() === '') throw new TypeError(`${owner}: a flat schema is SQL text`)
      if (spec.flat) throw new TypeError(`${owner}: there is a flat schema already`)
      const lane = squash ? squashLane(owner, spec.lane, squash) : spec.lane
      if (lane.names.length === 0)
        throw new TypeError(`${owner}: a flat schema stands for steps: put it after them, or name them in 'replaces'`)
      return build({ ...spec, lane, flat: { place: lane.names.length }, own: { ...own, flatSql: sql } })
    },
    adopt: (how: 'oldest' | AdoptAt<string | number>) => {
      checkAdopt(owner, spec.adopt, how)
      const place = how === 'oldest' ? spec.lane.squashed : placeOf(spec.lane, how.at)
      if (place === null)
        throw new TypeError(`${owner}: there is no step '${how === 'oldest' ? how : how.at}' to adopt at`)
      const stated = how === 'oldest' ? undefined : how.userVersion
      const { userVersion } = own
      if (stated !== undefined && userVersion !== null && stated > userVersion + place) {
        throw new TypeError(
          `${owner}: user_version would go down from ${stated} to ${userVersion + place}, and older releases would upgrade the data again; say userVersion: ${stated - place}`,
        )
      }
      const expected = userVersion === null ? null : userVersion === 0 ? 0 : userVersion + place
      return build({ ...spec, adopt: place, own: { ...own, adoptUserVersion: stated ?? expected } })
    },
    at: (version: string | number) => {
      if (placeOf(spec.lane, version) === null)
        throw new TypeError(`${owner}: there is no step or version '${version}'`)
      return reference<DbReader, DbWriter>(spec.name, '', version)
    },
  }
  return Object.freeze(store) as unknown as SqliteStore<N, R, H>
}

/** What is added to the version; null: user_version is left alone. */
function checkUserVersion(owner: string, given: unknown): number | null {
  if (given === undefined || given === false) return null
  if (given === true) return 0
  if (Number.isInteger(given) && (given as number) >= 0 && (given as number) < 2 ** 30) return given as number
  throw new TypeError(`${owner}: 'userVersion' is true, false, or how much user_version is ahead of the version`)
}

function squashLane(
  owner: string,
  lane: Lane,
  { replaces, lastIn }: { readonly replaces: readonly string[]; readonly lastIn?: string },
): Lane {
  if (lane.names.length > 0) throw new TypeError(`${owner}: a squash comes first: the steps it replaces are gone`)
  const twice = replaces.find((name, index) => replaces.indexOf(name) !== index)
  if (twice !== undefined) throw new TypeError(`${owner}: 'replaces' lists '${twice}' twice`)
  return Object.freeze({
    ...lane,
    names: Object.freeze([...replaces]),
    squashed: replaces.length,
    lastIn: lastIn ?? null,
  })
}
