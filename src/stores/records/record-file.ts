import { disk } from '../../disk/disk.js'
import { diskFailure } from '../../disk/failures.js'
import { identityOf } from '../../disk/identity.js'
import { openPlainFile, readOpenFile } from '../../disk/read-file.js'
import { replaceFile } from '../../disk/write-file.js'
import { JsonTextError } from '../../json/json-error.js'
import { parseJsonText } from '../../json/parse.js'
import type { ParsedJson } from '../../json/parse.js'
import { rewriteJsonText } from '../../json/rewrite.js'
import { stringifyJson } from '../../json/stringify.js'
import { systemCode } from '../../model/errors.js'
import { encodeText } from '../files/decode-text.js'
import { readDocumentText } from './document-text.js'
import { checkDocument, checkKnown, headOf, isObject, readVersion, stamp } from './record-chain.js'
import type { RecordChain } from './record-chain.js'
import { RecordProblem, rejectRecord } from './record-problem.js'
import { upgradeValue } from './upgrade-value.js'
import type { Upgraded } from './upgrade-value.js'

interface ReadDocument {
  readonly source: ParsedJson
  /** Of the file when it was opened. */
  readonly identity: string
}

/** See `RecordAccess.read`. */
export async function readRecord(
  chain: RecordChain,
  file: string,
  options: { readonly writeBack?: boolean } = {},
): Promise<Upgraded<unknown>> {
  const stray = Object.keys(options).find((key) => key !== 'writeBack')
  if (stray !== undefined)
    throw new TypeError(`record('${chain.name}').read: unknown option '${stray}'; known is writeBack`)
  const { source, identity } = readDocument(chain, file)
  const upgraded = upgradeValue(chain, source.value, file)
  if (upgraded.changed && options.writeBack === true)
    replace(chain, file, rewrite(chain, source, upgraded.value), identity)
  return upgraded
}

/** See `RecordAccess.write`. */
export async function writeRecord(chain: RecordChain, file: string, value: unknown): Promise<void> {
  const head = headOf(chain)
  const before = readDocumentIfAny(chain, file)
  try {
    if (!isObject(value))
      throw new RecordProblem({
        blame: 'step',
        from: null,
        to: head,
        reason: 'what was given to write is not an object',
      })
    // A newer program wrote what is there: it must not be replaced by what this one knows (G6).
    if (before !== null) checkKnown(chain, readVersion(chain, before.source.value, head), head)
    const stamped = stamp(chain, value, head)
    checkDocument(chain, stamped, head, head)
    replace(
      chain,
      file,
      before === null ? stringifyJson(stamped) : rewrite(chain, before.source, stamped),
      before?.identity ?? null,
    )
  } catch (error) {
    throw error instanceof RecordProblem ? rejectRecord(chain.name, file, error) : error
  }
}

function rewrite(chain: RecordChain, source: ParsedJson, value: unknown): string {
  return rewriteJsonText(source, value, chain.versionKey === false ? {} : { first: chain.versionKey })
}

function readDocument(chain: RecordChain, file: string): ReadDocument {
  const { bytes, identity } = readBytes(file)
  const reject = (reason: string, cause?: unknown): Error =>
    rejectRecord(
      chain.name,
      file,
      new RecordProblem({ blame: 'document', from: null, to: headOf(chain), reason, cause }),
    )
  const read = readDocumentText(bytes)
  if ('reason' in read) throw reject(read.reason)
  try {
    return { source: parseJsonText(read.text), identity }
  } catch (error) {
    throw error instanceof JsonTextError ? reject(error.message, error) : error
  }
}

function readDocumentIfAny(chain: RecordChain, file: string): ReadDocument | null {
  try {
    return readDocument(chain, file)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null
    throw error
  }
}

function readBytes(file: string): { readonly bytes: Buffer; readonly identity: string } {
  try {
    const fd = openPlainFile(file)
    try {
      // Taken before the bytes: what is written meanwhile makes it another file.
      const identity = identityOf(disk.fstat(fd))
      return { bytes: readOpenFile(fd), identity }
    } finally {
      disk.close(fd)
    }
  } catch (error) {
    throw systemCode(error) === 'ENOENT' ? error : diskFailure(error, `Reading ${file}`)
  }
}

function replace(chain: RecordChain, file: string, text: string, expect: string | null): void {
  try {
    replaceFile(file, encodeText(text), { expect })
  } catch (error) {
    throw systemCode(error) === 'ENOENT' ? error : diskFailure(error, `Writing the record '${chain.name}' to ${file}`)
  }
}
