import type { Overlay } from '../../disk/overlay.js'
import { joinPath } from '../../disk/relative-path.js'
import { openDocument } from './document-version.js'
import type { StoreVersion } from './left-versions.js'
import type { Each, RawDocument } from './documents.js'
import { bringTo } from './record-chain.js'
import type { RecordChain } from './record-chain.js'
import { RecordProblem, rejectRecord } from './record-problem.js'

/** What a view of a store works with. */
export interface RecordsScope {
  readonly store: string
  readonly chain: RecordChain
  readonly each: Each
  readonly overlay: Overlay
  readonly signal: AbortSignal
  /** The step that looks, for messages. */
  readonly by: string
  /** The version that the view shows. */
  readonly at: number
  /** What the store is at. */
  readonly stands: StoreVersion
}

/** A document as the view shows it; null for one that is not what it should be, if those are passed over. Throws RECORD_REJECTED. */
export function showDocument(
  scope: RecordsScope,
  document: RawDocument,
  invalid: 'throw' | 'skip',
): { readonly value: unknown } | null {
  try {
    const { source, version } = openDocument(scope.chain, document, scope.stands, scope.at)
    return { value: bringTo(scope.chain, source.value, version, scope.at) }
  } catch (error) {
    if (invalid === 'skip' && error instanceof RecordProblem && error.blame === 'document') return null
    throw nameProblem(scope, document.name, error)
  }
}

/** What is wrong with a document as RECORD_REJECTED, naming it from the root; any other error as it is. */
export function nameProblem({ chain, overlay, by }: RecordsScope, name: string, error: unknown): unknown {
  return error instanceof RecordProblem
    ? rejectRecord(chain.name, joinPath(overlay.claim.base, name), error, by)
    : error
}
