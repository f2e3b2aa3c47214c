import { copyJson } from './copy-json.js'
import { bringTo, checkDocument, headOf, readVersion } from './record-chain.js'
import type { RecordChain } from './record-chain.js'
import { RecordProblem, rejectRecord } from './record-problem.js'

export interface Upgraded<V> {
  readonly value: V
  /** The version it had. */
  readonly from: number
  readonly to: number
  readonly changed: boolean
}

/** A document at its newest version; the one given is not altered. `file` is for the message of RECORD_REJECTED. */
export function upgradeValue(chain: RecordChain, value: unknown, file: string | null): Upgraded<unknown> {
  const to = headOf(chain)
  try {
    const from = readVersion(chain, value, to)
    checkDocument(chain, value, from, to)
    if (from === to) return { value, from, to, changed: false }
    return { value: bringTo(chain, copyJson(value), from, to), from, to, changed: true }
  } catch (error) {
    throw error instanceof RecordProblem ? rejectRecord(chain.name, file, error) : error
  }
}
