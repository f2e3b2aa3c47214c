import { breathe } from '../../disk/breathe.js'
import { undecodableText } from '../../disk/failures.js'
import type { Overlay } from '../../disk/overlay.js'
import { walkClaim } from '../../disk/walk.js'
import type { WalkEntry } from '../../disk/walk.js'
import { JsonValueError } from '../../json/json-error.js'
import { rewriteJsonText } from '../../json/rewrite.js'
import { isMoultError, MoultFailure } from '../../model/errors.js'
import { thrownAt } from '../../model/thrown-at.js'
import { openDocument } from './document-version.js'
import { rewriteDocuments } from './documents.js'
import type { Each, RawDocument } from './documents.js'
import type { LeftDocument } from '../../model/marker.js'
import { leftByFile } from './left-documents.js'
import { possibleVersions } from './left-versions.js'
import type { StoreVersion } from './left-versions.js'
import { bringTo, canServe, checkDocument, checkKnown, headOf } from './record-chain.js'
import type { RecordChain } from './record-chain.js'
import { RecordProblem } from './record-problem.js'

export interface SweepRequest {
  readonly overlay: Overlay
  readonly chain: RecordChain
  readonly each: Each
  /** `up`: documents before `to` are brought there, those past it stay. `down`: the other way round. */
  readonly way: 'up' | 'down'
  readonly to: number
  /** For documents that say no version. */
  readonly store: StoreVersion
  /** What was left before. */
  readonly left: readonly LeftDocument[]
  readonly storeName: string
  /** `store/step`. */
  readonly step: string
  readonly signal: AbortSignal
  readonly progress: (done: number, total: number) => void
}

export interface Swept {
  readonly records: number
  readonly files: number
  /** All that could not be brought there, in order. */
  readonly left: readonly LeftDocument[]
}

const progressEvery = 100

/**
 * Brings every document of a store to a version. A document that is not what it should be keeps its bytes and is named
 * (one of them says nothing of the others); a change that goes wrong is the program's fault and throws STEP_FAILED.
 * Documents at the version are checked by its schema, those past it are not touched; on the way down, those behind it.
 */
export async function sweep(request: SweepRequest): Promise<Swept> {
  const { overlay, chain, each, signal } = request
  const left: LeftDocument[] = []
  const leftBefore = leftByFile(chain.versionKey === false ? request.left : [], each)
  const leave = (file: string, reason: string): void => {
    left.push({ file, reason, ...standing(request, file) })
    // Left as a whole, a file says nothing of those in it that were behind the others before
    left.push(...(leftBefore.get(file) ?? []).filter((document) => document.file !== file))
  }
  for (const entry of await walkClaim(overlay.root, overlay.claim, signal)) {
    if (entry.kind !== 'file') leave(entry.path, `it is ${describeKind(entry)}, and moult does not touch those`)
  }
  const change = (document: RawDocument): string | null => sweepDocument(request, document, leave)
  let records = 0
  let files = 0
  const paths = await overlay.list(undefined, signal)
  for (const [index, file] of paths.entries()) {
    await breathe(signal)
    if (index % progressEvery === 0) request.progress(index, paths.length)
    const before = left.length
    try {
      const changed = await rewriteDocuments(overlay, file, each, change, signal)
      records += changed
      if (changed > 0) files += 1
    } catch (error) {
      if (!isMoultError(error, 'FILE_UNSUPPORTED')) throw error
      // A file with several names: another one may be outside the store, and must not change with this one.
      left.length = before
      leave(file, 'it has several names (hard links), and moult does not rewrite those')
    }
  }
  request.progress(paths.length, paths.length)
  return { records, files, left }
}

/** For documents that say none: at which version it still is, and which others it may have. */
function standing({ chain, store }: SweepRequest, file: string): Pick<LeftDocument, 'at' | 'or'> {
  if (chain.versionKey !== false) return {}
  const [at = store.version, ...or] = possibleVersions(store, file)
  return or.length === 0 ? { at } : { at, or }
}

function describeKind({ kind }: WalkEntry): string {
  if (kind === 'undecodable') return undecodableText
  return kind === 'symlink' ? 'a symlink' : 'a pipe, a socket or a device'
}

function sweepDocument(
  request: SweepRequest,
  document: RawDocument,
  leave: (file: string, reason: string) => void,
): string | null {
  const { chain, to, store } = request
  try {
    const { source, version } = openDocument(chain, document, store, to)
    if (version === to) {
      checkDocument(chain, source.value, version, to)
      return null
    }
    if (request.way === 'down') {
      if (version < to) return stayBehind(request, document, { value: source.value, version }, leave)
      checkWayBack(request, version)
    } else if (version > to) {
      checkKnown(chain, version, headOf(chain))
      return null
    }
    const after = bringTo(chain, source.value, version, to)
    return rewriteJsonText(source, after, chain.versionKey === false ? {} : { first: chain.versionKey })
  } catch (error) {
    if (error instanceof RecordProblem && error.blame === 'document') {
      leave(document.name, error.reason)
      return null
    }
    throw describeDefect(request, document.name, error)
  }
}

/** Going back changes no document that is behind; one that says no version stays on the list that says it. */
function stayBehind(
  { chain, to }: SweepRequest,
  { name }: RawDocument,
  { value, version }: { readonly value: unknown; readonly version: number },
  leave: (file: string, reason: string) => void,
): null {
  checkDocument(chain, value, version, to)
  if (chain.versionKey === false) leave(name, `it is at version ${version} still`)
  return null
}

/** A document may be ahead of its store, where versions come that nobody undoes. */
function checkWayBack({ chain, to, store }: SweepRequest, version: number): void {
  if (version <= store.version || version > headOf(chain) || canServe(chain, version, to)) return
  const reason = `it is at version ${version}, ahead of its store, and that has no way back`
  throw new RecordProblem({ blame: 'document', from: version, to, reason })
}

function describeDefect({ storeName, step }: SweepRequest, file: string, error: unknown): unknown {
  if (!(error instanceof RecordProblem || error instanceof JsonValueError)) return error
  const cause = error instanceof RecordProblem ? (error.cause ?? error) : error
  const at = thrownAt(cause)
  return new MoultFailure('STEP_FAILED', {
    message: `The step ${step} failed on ${file}: ${error instanceof RecordProblem ? error.reason : error.message}.`,
    hint: `Mend the change of the record${at === null ? '' : ` (${at})`}; no document is to blame for this.`,
    details: { store: storeName, step },
    cause,
  })
}
