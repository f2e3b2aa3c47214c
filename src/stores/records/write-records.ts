import { fileError } from '../../disk/failures.js'
import { joinPath } from '../../disk/relative-path.js'
import { JsonValueError } from '../../json/json-error.js'
import { rewriteJsonText } from '../../json/rewrite.js'
import { stringifyJson } from '../../json/stringify.js'
import { encodeText } from '../files/decode-text.js'
import type { Lease } from '../files/lease.js'
import { openAppends } from './appends.js'
import { copyJson } from './copy-json.js'
import { openDocument } from './document-version.js'
import { parseDocumentName } from './document-name.js'
import { readDocuments, rewriteDocuments } from './documents.js'
import type { RawDocument } from './documents.js'
import type { Iterations } from './iterations.js'
import { recordsReader } from './read-records.js'
import { bringTo, checkKnown, isObject, stamp } from './record-chain.js'
import { RecordProblem } from './record-problem.js'
import type { RecordsWriter } from './record-views.js'
import { nameProblem } from './records-scope.js'
import type { RecordsScope } from './records-scope.js'

export interface WriterHandle {
  readonly records: RecordsWriter<unknown>
  /** Writes down what was put and is not yet in the overlay. */
  settle(): void
}

/** `forget` is told of each document, or file, that is no longer what it was. */
export function recordsWriter(
  scope: RecordsScope,
  lease: Lease,
  iterations: Iterations,
  forget: (name: string) => void,
): WriterHandle {
  const { overlay, each, signal } = scope
  const appends = openAppends(overlay, each, scope.stands.version, (file, error) => nameProblem(scope, file, error))

  const putFile = (file: string, value: unknown): void => {
    const [before] = overlay.has(file) ? readDocuments(file, overlay.readChunks(file), 'file') : []
    const text =
      before === undefined
        ? stringifyJson(bringUp(scope, value, scope.stands.version))
        : rewriteTo(scope, before, value)
    iterations.keep(file)
    overlay.write(file, encodeText(text))
  }

  const putInto = async (name: string, file: string, value: unknown): Promise<void> => {
    if (!overlay.has(file)) throw fileError('ENOENT', joinPath(overlay.claim.base, name), 'no such record')
    iterations.keep(file)
    let isFound = false
    await rewriteDocuments(
      overlay,
      file,
      each,
      (document) => {
        if (document.name !== name) return null
        isFound = true
        return rewriteTo(scope, document, value)
      },
      signal,
    )
    if (!isFound) throw fileError('ENOENT', joinPath(overlay.claim.base, name), 'no such record')
  }

  const records: RecordsWriter<unknown> = {
    ...recordsReader(scope, lease, iterations, appends.settle),
    put: (name, given) =>
      lease.during(async () => {
        const { file, index } = parseDocumentName(name, each)
        try {
          const value = checkValue(scope, given)
          if (each !== 'file' && index === null) {
            const added = bringUp(scope, value, scope.stands.version)
            iterations.keep(file)
            return appends.add(file, added)
          }
          appends.settle()
          if (each === 'file') putFile(file, value)
          else await putInto(name, file, value)
          forget(name)
        } catch (error) {
          throw nameProblem(scope, name, error)
        }
      }),
    delete: (name) =>
      lease.during(async () => {
        if (parseDocumentName(name, each).index !== null && !overlay.has(name))
          throw new TypeError(`'${name}' is one ${each} of a file; delete takes whole files`)
        appends.settle()
        if (!overlay.has(name)) throw fileError('ENOENT', joinPath(overlay.claim.base, name), 'no such file')
        iterations.keep(name)
        await overlay.remove(name)
        forget(name)
      }),
  }
  return { records: Object.freeze(records), settle: appends.settle }
}

/** A copy of what was given, with the version of the view. */
function checkValue({ chain, at }: RecordsScope, given: unknown): unknown {
  try {
    const copy = copyJson(given)
    return isObject(copy) ? stamp(chain, copy, at) : copy
  } catch (error) {
    if (!(error instanceof JsonValueError)) throw error
    throw new RecordProblem({
      blame: 'step',
      from: at,
      to: at,
      reason: `JSON cannot hold what was put: ${error.message}`,
      cause: error,
    })
  }
}

function bringUp({ chain, at }: RecordsScope, value: unknown, to: number): unknown {
  return bringTo(chain, value, at, Math.max(at, to))
}

/** The text of a document with another value. One that was written ahead of its store stays at its version. */
function rewriteTo(scope: RecordsScope, document: RawDocument, value: unknown): string {
  const { chain, stands } = scope
  const { source, version } = openDocument(chain, document, stands, stands.version)
  checkKnown(chain, version, stands.version)
  const after = bringUp(scope, value, Math.max(version, stands.version))
  return rewriteJsonText(source, after, chain.versionKey === false ? {} : { first: chain.versionKey })
}
