import { normalisePath } from '../../model/claims.js'
import type { NewerPolicy } from '../../model/policy.js'
import { reference } from '../../model/reference.js'
import type { At } from '../../model/reference.js'
import { addStep, emptyLane } from '../../model/step.js'
import type { Lane, Step } from '../../model/step.js'
import type { Extent, Store, StoreCode, StoreSpec } from '../../model/store.js'
import { checkAdopt, checkNewerPolicy, checkOptionNames, checkStoreName } from '../../model/store-options.js'
import { checkPatterns, markerName } from '../files/definition.js'
import type { Each } from './documents.js'
import { examineRecords } from './examine-records.js'
import type { Layout } from './layout.js'
import type { RecordsOwn } from './own.js'
import { isRecord } from './record.js'
import type { AnyRecord, Versions } from './record.js'
import { canServe, headOf } from './record-chain.js'
import type { RecordChain } from './record-chain.js'
import type { RecordsReader, RecordsWriter } from './record-views.js'

export interface RecordsOptions<V extends Versions, H extends number> {
  /** A directory, or one file where `files` is left out. Relative to the state's root, with `/`. */
  readonly path: string
  /** Patterns of the files that hold records, relative to the directory. */
  readonly files?: string | readonly string[]
  /** What one record is: a whole file (default), a line of a JSONL file, or an element of the array in a file. */
  readonly each?: Each
  readonly record: AnyRecord<V, H>
  /**
   * What to do with documents that cannot be brought forward: those that are not JSON, break their schema, have no
   * version that is known, or are newer. `'leave'` (default): they keep their bytes, are named in the report, the marker
   * and every status, and are tried again by each step of this store, and by the next upgrade once somebody has changed
   * or removed one of them. `'refuse'`: RECORDS_INVALID, nothing changes.
   */
  readonly invalid?: 'leave' | 'refuse'
  /** Patterns of what is not the store's: never read, changed or backed up. A directory's name means all in it. */
  readonly ignore?: readonly string[]
  /** Moves of files that belong to a version; each runs after the records were brought to it. There is no way back from such a version. */
  readonly layout?: { readonly [version: number]: Layout }
  /** The marker's file name, not `*.json`. Default `.schema-version`; `.<store>.schema-version` at the root, and beside a single file. */
  readonly marker?: string
  /** What to do when a newer program wrote the store. Default: as `open` says, else `'floor'`. */
  readonly onNewer?: NewerPolicy
}

/** Records on disk. Its version is the record's: each has a step `v<n>`, which brings every document to it. */
export interface RecordsStore<N extends string, V extends Versions> extends Store<N> {
  readonly kind: 'records'
  /**
   * What documents are that were there before moult: of the oldest version, or of another. Only for records without a
   * version key; others say themselves what they are.
   */
  adopt(how: 'oldest' | { readonly at: keyof V & number }): RecordsStore<N, V>
  /** The records at one of their versions, for `reads`, `writes`, `dependsOn` and targets. */
  at<const X extends keyof V & number>(version: X): At<RecordsReader<V[X]>, RecordsWriter<V[X]>>
}

const code: StoreCode = {
  examine: (place) => examineRecords(place),
  begin: async (place, run, expected) => (await import('./transaction.js')).beginRecords(place, run, expected),
  verify: async (place) => (await import('./verify.js')).verifyRecords(place),
}

const optionNames = ['path', 'files', 'each', 'record', 'invalid', 'ignore', 'layout', 'marker', 'onNewer']

/** Declares a store of records. Throws a TypeError for options that cannot be meant. */
export function records<const N extends string, V extends Versions, H extends number>(
  name: N,
  options: RecordsOptions<V, H>,
): RecordsStore<N, V> {
  checkStoreName('records', name)
  const owner = `records('${name}')`
  checkOptionNames(owner, options, optionNames)
  const { each = 'file', invalid = 'leave', record } = options
  if (!isRecord(record)) throw new TypeError(`${owner}: 'record' takes what record(…).version(…) gives`)
  if (!['file', 'line', 'element'].includes(each))
    throw new TypeError(`${owner}: each is 'file', 'line' or 'element', not '${each}'`)
  if (invalid !== 'leave' && invalid !== 'refuse')
    throw new TypeError(`${owner}: invalid is 'leave' or 'refuse', not '${String(invalid)}'`)
  const chain = record['~record']
  if (typeof chain.unversioned === 'number' && chain.unversioned > headOf(chain)) {
    throw new TypeError(
      `${owner}: documents without '${String(chain.versionKey)}' are declared to be of version ${chain.unversioned}, and there is none`,
    )
  }
  const path = normalisePath(owner, options.path)
  const layout = checkLayout(owner, chain, options)
  return build<N, V>({
    name,
    kind: 'records',
    path,
    extent: makeExtent(owner, name, path, options),
    lane: makeLane(name, chain, layout),
    // A fresh store has no documents for the versions that are gone from the code.
    flat: chain.oldest > 1 ? { place: chain.oldest - 1 } : null,
    adopt: chain.versionKey === false ? null : chain.oldest - 1,
    describesItself: chain.versionKey !== false,
    hasChecksums: false,
    onNewer: checkNewerPolicy(owner, options.onNewer),
    decides: false,
    servesPast: (place, from) => canServe(chain, from, place),
    code,
    own: { chain, each, invalid, layout } satisfies RecordsOwn,
  })
}

function build<N extends string, V extends Versions>(spec: StoreSpec): RecordsStore<N, V> {
  const owner = `records('${spec.name}')`
  const { chain } = spec.own as RecordsOwn
  const checkVersion = (version: unknown): number => {
    if (Number.isSafeInteger(version) && Number(version) >= chain.oldest && Number(version) <= headOf(chain))
      return Number(version)
    throw new TypeError(
      `${owner}: there is no version '${String(version)}'; there are ${chain.oldest} to ${headOf(chain)}`,
    )
  }
  const store = {
    '~moult': 1,
    name: spec.name,
    kind: 'records',
    '~store': Object.freeze(spec),
    adopt: (how: 'oldest' | { readonly at: number }) => {
      if (chain.versionKey !== false)
        throw new TypeError(
          `${owner}: nothing is to be adopted: each document has its version in '${chain.versionKey}'`,
        )
      checkAdopt(owner, spec.adopt, how)
      const version = how === 'oldest' ? chain.oldest : checkVersion(how.at)
      // At the oldest, its own step still runs: it looks whether the documents are what they are said to be.
      return build({ ...spec, adopt: version === chain.oldest ? version - 1 : version })
    },
    at: (version: number) => reference(spec.name, '', checkVersion(version)),
  }
  return Object.freeze(store) as unknown as RecordsStore<N, V>
}

function makeExtent(owner: string, name: string, path: string, options: RecordsOptions<Versions, number>): Extent {
  const ignore = checkPatterns(owner, 'ignore', options.ignore ?? [])
  if (options.files !== undefined) {
    const files = checkPatterns(owner, 'files', options.files)
    if (files.length === 0) throw new TypeError(`${owner}: 'files' lists nothing`)
    return Object.freeze({
      is: 'directory',
      files,
      ignore,
      derived: [],
      marker: markerName(owner, options.marker, { name, path, files }),
    })
  }
  if (path === '') throw new TypeError(`${owner}: without 'files' the path must name one file`)
  if (ignore.length > 0) throw new TypeError(`${owner}: a store of one file has nothing to ignore`)
  // Beside one file it is always the name with the store in it: the directory is others' too.
  return Object.freeze({ is: 'file', marker: markerName(owner, options.marker, { name, path: '', files: [] }) })
}

function makeLane(store: string, chain: RecordChain, layout: ReadonlyMap<number, Layout>): Lane {
  const gone = Array.from({ length: chain.oldest - 1 }, (_, index) => `v${index + 1}`)
  let lane: Lane = { ...emptyLane(store, ''), names: gone, squashed: gone.length }
  for (const [index, version] of chain.versions.entries()) {
    const step: Step = {
      name: `v${chain.oldest + index}`,
      up: version.up ?? ((value: unknown) => value),
      // What a layout has moved nothing moves back
      down: layout.has(chain.oldest + index) ? 'impossible' : version.down,
      validate: null,
      additive: version.additive,
      reads: {},
      writes: {},
      dependsOn: [],
      source: null,
      description: null,
    }
    lane = addStep(lane, Object.freeze(step))
  }
  return lane
}

function checkLayout(
  owner: string,
  chain: RecordChain,
  { layout, files }: RecordsOptions<Versions, number>,
): ReadonlyMap<number, Layout> {
  if (layout === undefined) return new Map()
  if (typeof layout !== 'object' || layout === null)
    throw new TypeError(`${owner}: 'layout' takes { version: function }`)
  if (files === undefined) throw new TypeError(`${owner}: a store of one file has no layout`)
  return new Map(
    Object.entries(layout).map(([key, arrange]) => {
      const version = Number(key)
      if (!Number.isSafeInteger(version) || version < chain.oldest || version > headOf(chain))
        throw new TypeError(`${owner}: 'layout' names version ${key}; there are ${chain.oldest} to ${headOf(chain)}`)
      if (typeof arrange !== 'function')
        throw new TypeError(`${owner}: the layout of version ${key} must be a function`)
      return [version, arrange] as const
    }),
  )
}
