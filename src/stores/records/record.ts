import type { Succ } from '../../model/type-arithmetic.js'
import type { Input, Schema } from '../files/schema.js'
import { headOf } from './record-chain.js'
import type { RecordChain, RecordVersion } from './record-chain.js'
import type { RecordWriteOptions } from './keep-original.js'
import type { RecordReadOptions } from './record-file.js'
import { upgradeValue } from './upgrade-value.js'
import type { Upgraded } from './upgrade-value.js'

export type { RecordWriteOptions } from './keep-original.js'
export type { RecordReadOptions } from './record-file.js'
export type { Upgraded } from './upgrade-value.js'

/** What `up` and `down` return: moult stamps the version key itself. */
// Key remapping, and not Omit, keeps the known keys of a type that has an index signature too.
export type Unstamped<V, K extends string> = { [P in keyof V as P extends K ? never : P]: V[P] } & {
  [P in K]?: unknown
}

/** The versions a record has, by number; grows with each call of `version`. */
export type Versions = { readonly [version: number]: unknown }

/** How a version is made of the one before. Synchronous; the functions may alter what they are given. */
export interface RecordChange<Old, New, K extends string> {
  readonly up: (value: Old) => Unstamped<NoInfer<New>, K>
  /** The way back; `'impossible'` says that there is none. Run by a downgrade; also lets steps that were written for the older version see newer records. */
  readonly down?: 'impossible' | ((value: New) => Unstamped<NoInfer<Old>, K>)
  /** Programs that do not know this version may go on using such records. Default false: it raises the floor. */
  readonly additive?: boolean
}

export interface RecordStart<N extends string, K extends string> {
  /** The oldest version that this program still reads. */
  version<const F extends number, S extends Schema>(
    n: F,
    schema: S,
  ): RecordType<N, K, { readonly [P in F]: Input<S> }, F>
}

/** A kind of record with all its versions, as `records` takes it. */
export interface AnyRecord<V extends Versions, Head extends number> {
  readonly '~moult': 1
  readonly name: string
  readonly '~record': RecordChain
  /** Only for the compiler. */
  readonly '~versions'?: { readonly versions: V; readonly head: Head }
}

/**
 * A kind of JSON document in all its versions. Frozen data; each call of `version` gives a new one. Schemas only check:
 * what they return is thrown away, so defaults, coercions and transforms have no effect and unknown keys are kept.
 */
export interface RecordType<N extends string, K extends string, V extends Versions, Head extends number>
  extends AnyRecord<V, Head>, RecordAccess<K, V[Head]> {
  readonly name: N
  /** The next version. */
  version<S extends Schema>(
    n: Succ<Head>,
    schema: S,
    change: RecordChange<V[Head], Input<S>, K>,
  ): RecordType<N, K, V & { readonly [P in Succ<Head>]: Input<S> }, Succ<Head>>
}

export interface KeylessRecordStart<N extends string> {
  /** The oldest version that this program still reads. */
  version<const F extends number, S extends Schema>(
    n: F,
    schema: S,
  ): KeylessRecordType<N, { readonly [P in F]: Input<S> }, F>
}

/** As `RecordType`, for documents that say no version: only their store can bring them forward. */
export interface KeylessRecordType<N extends string, V extends Versions, Head extends number> extends AnyRecord<
  V,
  Head
> {
  readonly name: N
  /** The next version. */
  version<S extends Schema>(
    n: Succ<Head>,
    schema: S,
    change: RecordChange<V[Head], Input<S>, never>,
  ): KeylessRecordType<N, V & { readonly [P in Succ<Head>]: Input<S> }, Succ<Head>>
}

/** For apps that load records one at a time. */
export interface RecordAccess<K extends string, V> {
  /**
   * A parsed document at the newest version. Pure and synchronous; `value` is not altered, and is the result itself if
   * it is at the newest version already. Throws RECORD_REJECTED for a newer document, one that its schema refuses, one
   * whose version says nothing, and a change that goes wrong.
   */
  upgrade(value: unknown): Upgraded<V>
  /**
   * Reads a document and brings it to the newest version. Parses strictly: text that is not JSON or not UTF-8, a key
   * that stands twice and a number that JavaScript would round are RECORD_REJECTED, as is all that `upgrade` refuses;
   * the file then stays as it is. A symlink is FILE_UNSUPPORTED; a missing file is node's ENOENT.
   *
   * `writeBack` (default false) also puts an upgraded document back, as `write` does: STORE_CHANGED if somebody changed
   * the file since it was read. `backup` and `onEvent` as in `write`.
   */
  read(file: string, options?: RecordReadOptions): Promise<Upgraded<V>>
  /**
   * Writes a document at the newest version. Of one that is there only the places that differ are rewritten; a newer
   * one, or one that cannot be read, is RECORD_REJECTED and stays. Mode and owner of the file are kept. A crash leaves
   * the old bytes or the new ones, at worst with a file `.<name>.<random>.moult-tmp` beside them. STORE_CHANGED if
   * somebody changed the file meanwhile, FILE_UNSUPPORTED for a symlink.
   *
   * A document of an older version is kept first, once for all versions to come, as `.<name>.moult-bak` beside it, with
   * its mode, owner and mtime (`.<name>.2.moult-bak` if one of the same version is there, of a document that was made anew):
   * to put it back, rename it over the document. No store's patterns find it, and nothing but
   * you deletes it. If it cannot be kept, `backup: 'required'` (default) throws BACKUP_FAILED and writes nothing, `'try'`
   * goes on and tells `onEvent`; `'none'` keeps nothing.
   */
  write(file: string, value: Unstamped<V, K>, options?: RecordWriteOptions): Promise<void>
}

/** The value of a record at its newest version. */
export type RecordValue<R> = R extends { readonly '~versions'?: { readonly versions: infer V; readonly head: infer H } }
  ? V[H & keyof V]
  : never

export interface RecordOptions<K extends string> {
  /** The key of each document that holds its version, a whole number from 1. */
  readonly versionKey: K
  /** What a document without the key is: a version, or nothing that can be read. */
  readonly unversioned: number | 'refuse'
}

/**
 * Declares a kind of record. With `versionKey: false` documents say no version: the marker of their store is the only
 * one. Throws a TypeError for what cannot be meant.
 */
export function record<const N extends string, const K extends string>(
  name: N,
  options: RecordOptions<K>,
): RecordStart<N, K>
export function record<const N extends string>(name: N, options: { readonly versionKey: false }): KeylessRecordStart<N>
export function record(name: string, options: RecordOptions<string> | { readonly versionKey: false }): unknown {
  const owner = `record('${name}')`
  if (typeof name !== 'string' || name.trim() === '') throw new TypeError(`${owner}: its name is missing`)
  checkOptions(owner, options)
  const versionKey = options.versionKey
  const unversioned = 'unversioned' in options ? options.unversioned : 'refuse'
  return Object.freeze({
    version(oldest: number, schema: Schema) {
      if (!Number.isSafeInteger(oldest) || oldest < 1)
        throw new TypeError(`${owner}: '${oldest}' is no version; versions are whole numbers from 1`)
      checkIsSchema(`${owner}, version ${oldest}`, schema)
      const first: RecordVersion = Object.freeze({ schema, up: null, down: null, additive: false })
      return build({ name, versionKey, unversioned, oldest, versions: [first] })
    },
  })
}

function build(chain: RecordChain): unknown {
  const next = headOf(chain) + 1
  const access: Partial<RecordAccess<string, unknown>> = {
    upgrade: (value) => upgradeValue(chain, value, null),
    read: async (file, options) => (await import('./record-file.js')).readRecord(chain, file, options),
    write: async (file, value, options) => (await import('./record-file.js')).writeRecord(chain, file, value, options),
  }
  return Object.freeze({
    '~moult': 1,
    name: chain.name,
    '~record': Object.freeze({ ...chain, versions: Object.freeze(chain.versions) }),
    version(n: number, schema: Schema, change: RecordChange<unknown, unknown, string>) {
      const where = `record('${chain.name}'), version ${n}`
      if (n !== next) throw new TypeError(`${where}: versions go up one by one; the next is ${next}`)
      checkIsSchema(where, schema)
      return build({ ...chain, versions: [...chain.versions, checkChange(where, schema, change)] })
    },
    ...(chain.versionKey === false ? {} : access),
  })
}

export function isRecord(value: unknown): value is AnyRecord<Versions, number> {
  return (
    typeof value === 'object' &&
    value !== null &&
    (value as Partial<AnyRecord<Versions, number>>)['~moult'] === 1 &&
    '~record' in value
  )
}

function checkOptions(owner: string, options: unknown): void {
  const { versionKey, unversioned, ...others } = (options ?? {}) as Partial<Record<string, unknown>>
  const stray = Object.keys(others)[0]
  if (stray !== undefined) throw new TypeError(`${owner}: unknown option '${stray}'; known are versionKey, unversioned`)
  if (versionKey === false) {
    if (unversioned !== undefined)
      throw new TypeError(`${owner}: without a version key there is nothing for 'unversioned' to decide`)
    return
  }
  if (typeof versionKey !== 'string' || versionKey === '' || versionKey === '__proto__')
    throw new TypeError(`${owner}: 'versionKey' must be the name of a key, or false`)
  if (unversioned === 'refuse' || (Number.isSafeInteger(unversioned) && Number(unversioned) >= 1)) return
  throw new TypeError(
    `${owner}: 'unversioned' must say what a document without '${versionKey}' is: a version, or 'refuse'`,
  )
}

function checkIsSchema(where: string, schema: unknown): void {
  const props: unknown = (schema as Partial<Schema> | null | undefined)?.['~standard']
  if (
    typeof props === 'object' &&
    props !== null &&
    typeof (props as Partial<Schema['~standard']>).validate === 'function'
  )
    return
  throw new TypeError(`${where}: its schema must be a Standard Schema (zod, valibot, arktype, …)`)
}

function checkChange(where: string, schema: Schema, change: unknown): RecordVersion {
  const { up, down, additive, ...others } = (change ?? {}) as Partial<Record<string, unknown>>
  const stray = Object.keys(others)[0]
  if (stray !== undefined) throw new TypeError(`${where}: unknown option '${stray}'; known are up, down, additive`)
  if (typeof up !== 'function')
    throw new TypeError(`${where}: 'up' is missing: a function that makes this version of the one before`)
  if (down !== undefined && down !== 'impossible' && typeof down !== 'function')
    throw new TypeError(`${where}: 'down' must be a function or 'impossible'`)
  if (additive !== undefined && typeof additive !== 'boolean')
    throw new TypeError(`${where}: 'additive' must be true or false`)
  return Object.freeze({
    schema,
    up: up as RecordVersion['up'],
    down: (down ?? null) as RecordVersion['down'],
    additive: additive ?? false,
  })
}
