import { isDeepStrictEqual } from 'node:util'
import { JsonTextError } from '../../json/json-error.js'
import { parseJsonText } from '../../json/parse.js'
import type { ParsedJson } from '../../json/parse.js'
import type { RawDocument } from './documents.js'
import { copyJson } from './copy-json.js'
import { possibleVersions } from './left-versions.js'
import type { StoreVersion } from './left-versions.js'
import { bringTo, checkDocument, readVersion } from './record-chain.js'
import type { RecordChain } from './record-chain.js'
import { RecordProblem } from './record-problem.js'

export interface VersionedDocument {
  readonly source: ParsedJson
  readonly version: number
}

/** Parses a document and finds its version. `to` is what it is wanted at, for errors. Throws RecordProblem. */
export function openDocument(
  chain: RecordChain,
  document: RawDocument,
  store: StoreVersion,
  to: number,
): VersionedDocument {
  const reject = (reason: string, cause?: unknown): RecordProblem =>
    new RecordProblem({ blame: 'document', from: null, to, reason, cause })
  if ('reason' in document) throw reject(document.reason)
  let source: ParsedJson
  try {
    source = parseJsonText(document.text)
  } catch (error) {
    throw error instanceof JsonTextError ? reject(error.message, error) : error
  }
  const version =
    chain.versionKey === false
      ? keylessVersion(chain, source.value, document.name, store)
      : readVersion(chain, source.value, to)
  return { source, version }
}

/**
 * The store's, or the one at which it was left, also where it fits another's schema better (G8). One that was written
 * anew since may be either: it is the one that it fits. If it fits several, and bringing it forward from each of them
 * doesn't come to the same, nobody can know: it stays where it is, for what is upgraded twice is destroyed.
 */
function keylessVersion(chain: RecordChain, value: unknown, name: string, store: StoreVersion): number {
  const versions = possibleVersions(store, name)
  const lowest = versions[0] ?? store.version
  if (versions.length === 1) return lowest
  const fitting = versions.filter((version) => fits(chain, value, version))
  const highest = fitting.at(-1)
  if (highest === undefined) return lowest
  const target = Math.max(highest, store.version)
  const outcomes = fitting.map((version) => tryToBring(chain, value, version, target))
  const [first] = outcomes
  if (outcomes.length === 1) return highest
  if (first != null && outcomes.every((outcome) => isDeepStrictEqual(outcome, first))) return highest
  throw new RecordProblem({
    blame: 'document',
    from: null,
    to: target,
    reason: `it was written anew after it was left, and fits version ${fitting.join(' as well as ')}: nobody can tell which it is`,
  })
}

function fits(chain: RecordChain, value: unknown, version: number): boolean {
  try {
    checkDocument(chain, value, version, version)
    return true
  } catch (error) {
    if (error instanceof RecordProblem && error.blame === 'document') return false
    throw error
  }
}

/** Null if it can't be done: that this version was meant is only a guess, so it is nobody's fault. */
function tryToBring(chain: RecordChain, value: unknown, from: number, to: number): { readonly value: unknown } | null {
  try {
    return { value: bringTo(chain, copyJson(value), from, to) }
  } catch (error) {
    if (error instanceof RecordProblem) return null
    throw error
  }
}
