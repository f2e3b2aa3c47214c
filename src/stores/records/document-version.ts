import { JsonTextError } from '../../json/json-error.js'
import { parseJsonText } from '../../json/parse.js'
import type { ParsedJson } from '../../json/parse.js'
import type { RawDocument } from './documents.js'
import { checkDocument, readVersion } from './record-chain.js'
import type { RecordChain } from './record-chain.js'
import { RecordProblem } from './record-problem.js'

/** What documents that say no version have: their store's, save those that were left behind. */
export interface StoreVersion {
  readonly version: number
  readonly left: ReadonlyMap<string, number>
}

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
 * One that was left behind may have been written anew since, by a program that knows the store's version: it is taken
 * for that where it fits that, else for what it was.
 */
function keylessVersion(chain: RecordChain, value: unknown, name: string, { version, left }: StoreVersion): number {
  const behind = left.get(name)
  if (behind === undefined || behind === version) return version
  try {
    checkDocument(chain, value, version, version)
    return version
  } catch (error) {
    if (error instanceof RecordProblem && error.blame === 'document') return behind
    throw error
  }
}
