import { JsonValueError } from '../../json/json-error.js'
import { isPlainObject } from '../../json/members.js'
import { describeMisfit } from '../files/schema.js'
import type { Schema } from '../files/schema.js'
import { copyJson } from './copy-json.js'
import { RecordProblem } from './record-problem.js'

type Change = (value: unknown) => unknown

export interface RecordVersion {
  readonly schema: Schema
  /** How this version is made of the one before; null for the oldest. */
  readonly up: Change | null
  readonly down: Change | 'impossible' | null
  readonly additive: boolean
}

/** All versions of one kind of record that a program knows. Frozen data; what is done with it is pure and synchronous. */
export interface RecordChain {
  readonly name: string
  /** The key of each document that says its version; false: it says none, and whoever asks has to know it. */
  readonly versionKey: string | false
  /** What a document without the key is. */
  readonly unversioned: number | 'refuse'
  readonly oldest: number
  /** From `oldest` on. */
  readonly versions: readonly RecordVersion[]
}

export function headOf(chain: RecordChain): number {
  return chain.oldest + chain.versions.length - 1
}

function versionAt(chain: RecordChain, version: number): RecordVersion {
  const found = chain.versions[version - chain.oldest]
  if (!found) throw new TypeError(`the record '${chain.name}' has no version ${version}`)
  return found
}

/**
 * The version that a document says it has. Only a missing key has a meaning that the definition gives; anything that
 * is not a whole number from 1 is rejected, never guessed (G8). `to` is for the error. Only for chains with a key.
 */
export function readVersion(chain: RecordChain, value: unknown, to: number): number {
  const reject = (reason: string): RecordProblem => new RecordProblem({ blame: 'document', from: null, to, reason })
  if (chain.versionKey === false) throw new TypeError(`the record '${chain.name}' carries no version of its own`)
  if (!isObject(value)) throw reject('it is not a JSON object')
  const version = Object.hasOwn(value, chain.versionKey) ? value[chain.versionKey] : undefined
  if (version === undefined) {
    if (chain.unversioned === 'refuse') throw reject(`it has no '${chain.versionKey}'`)
    return chain.unversioned
  }
  if (typeof version !== 'number' || !Number.isSafeInteger(version) || version < 1) {
    throw reject(`its '${chain.versionKey}' is not a whole number from 1`)
  }
  return version
}

/** Throws unless the chain knows the version. */
export function checkKnown(chain: RecordChain, version: number, to: number): void {
  const head = headOf(chain)
  if (version >= chain.oldest && version <= head) return
  const reason =
    version > head
      ? `it is at version ${version}, and this program knows ${head}`
      : `it is at version ${version}, and the oldest that this program reads is ${chain.oldest}`
  throw new RecordProblem({ blame: 'document', from: version, to, reason })
}

/** Throws unless `value` is a whole document of the version. One that says no version is checked as if it said this. */
export function checkDocument(chain: RecordChain, value: unknown, version: number, to: number): void {
  checkKnown(chain, version, to)
  const reject = (reason: string, cause?: unknown): RecordProblem =>
    new RecordProblem({ blame: 'document', from: version, to, reason, cause })
  let misfit: string | null
  try {
    misfit = findMisfit(chain, asVersion(chain, value, version), version)
  } catch (error) {
    throw error instanceof JsonValueError ? reject(`JSON cannot hold it: ${error.message}`, error) : error
  }
  if (misfit !== null) throw reject(`it is no version ${version}: ${misfit}`)
}

/**
 * A document of version `from` as one of version `to`, in either direction. Runs the changes between one by one; each
 * result is stamped with its version, then checked by its schema (C2). The changes are given `value` itself and may
 * alter it. Throws RecordProblem.
 */
export function bringTo(chain: RecordChain, value: unknown, from: number, to: number): unknown {
  checkDocument(chain, value, from, to)
  let current = from === to ? value : asVersion(chain, value, from)
  for (let version = from + 1; version <= to; version++) {
    current = applyChange({ chain, change: versionAt(chain, version).up, current, version, from, to, name: 'up' })
  }
  for (let version = from - 1; version >= to; version--) {
    const { down, additive } = versionAt(chain, version + 1)
    // Whoever knows the older version can use what an additive change left as it is.
    const change = typeof down === 'function' ? down : additive && down === null ? keep : null
    if (change === null)
      throw new RecordProblem({ blame: 'step', from, to, reason: `version ${version + 1} has no way back` })
    current = applyChange({ chain, change, current, version, from, to, name: 'down' })
  }
  return current
}

/** Whether every document of version `from` can be shown at `to`, an earlier one. */
export function canServe(chain: RecordChain, from: number, to: number): boolean {
  if (to < chain.oldest || from > headOf(chain)) return false
  for (let version = to + 1; version <= from; version++) {
    const { down, additive } = versionAt(chain, version)
    if (typeof down !== 'function' && !(additive && down === null)) return false
  }
  return true
}

/** The value with this version stamped on it: at its place if the key is there, else first, where apps look for it. */
export function stamp(chain: RecordChain, value: object, version: number): object {
  const key = chain.versionKey
  if (key === false) return value
  return Object.hasOwn(value, key) ? { ...value, [key]: version } : { [key]: version, ...value }
}

function keep(value: unknown): unknown {
  return value
}

/** A document without a version key is seen as one that has it: by schemas, and by the changes. */
function asVersion(chain: RecordChain, value: unknown, version: number): unknown {
  const key = chain.versionKey
  if (key === false || !isObject(value)) return value
  // The stamp would make a plain object of it, and hide this from whoever checks
  if (!isPlainObject(value)) throw new JsonValueError([], 'an instance of a class is not a JSON value')
  return Object.hasOwn(value, key) && value[key] !== undefined ? value : stamp(chain, value, version)
}

interface ChangeRun {
  readonly chain: RecordChain
  readonly change: Change | null
  readonly current: unknown
  /** Of the result. */
  readonly version: number
  readonly from: number
  readonly to: number
  readonly name: 'up' | 'down'
}

function applyChange({ chain, change, current, version, from, to, name }: ChangeRun): unknown {
  const fail = (reason: string, cause?: unknown): RecordProblem =>
    new RecordProblem({ blame: 'step', from, to, reason, cause })
  const what = `the '${name}' that makes version ${version}`
  let result: unknown
  try {
    result = change?.(current)
  } catch (error) {
    throw fail(
      `${what} threw ${error instanceof Error ? `an error (${error.name})` : `no error object, but a ${typeof error}`}`,
      error,
    )
  }
  if (result instanceof Promise) {
    result.catch(() => undefined)
    throw fail(`${what} is asynchronous; records are changed synchronously`)
  }
  if (result === undefined || (chain.versionKey !== false && !isObject(result))) {
    throw fail(`${what} returned ${result === undefined ? 'nothing' : 'something else than an object'}`)
  }
  const stamped = isObject(result) ? stamp(chain, result, version) : result
  let misfit: string | null
  try {
    misfit = findMisfit(chain, stamped, version)
  } catch (error) {
    throw error instanceof JsonValueError
      ? fail(`${what} returned what JSON cannot hold: ${error.message}`, error)
      : error
  }
  if (misfit !== null) throw fail(`${what} returned something else than a version ${version}: ${misfit}`)
  return stamped
}

/** The schema is given a copy: what it makes of the value, also in place, has no effect. */
function findMisfit(chain: RecordChain, value: unknown, version: number): string | null {
  const { schema } = versionAt(chain, version)
  const copy = copyJson(value)
  const fail = (reason: string, cause?: unknown): RecordProblem =>
    new RecordProblem({ blame: 'step', from: version, to: version, reason, cause })
  let answer: ReturnType<Schema['~standard']['validate']>
  try {
    answer = schema['~standard'].validate(copy)
  } catch (error) {
    throw fail(`the schema of version ${version} threw an error`, error)
  }
  if (!(answer instanceof Promise)) return describeMisfit(answer)
  // Too late to be of use; its failure must not end the process.
  answer.catch(() => undefined)
  throw fail(`the schema of version ${version} is asynchronous, and records are checked synchronously`)
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
