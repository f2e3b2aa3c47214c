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
import { checkOptionNames } from '../../model/store-options.js'
import { encodeText } from '../files/decode-text.js'
import { readDocumentText } from './document-text.js'
import { keepOriginal } from './keep-original.js'
import type { OldDocument, Original, RecordWriteOptions } from './keep-original.js'
import { checkDocument, checkKnown, headOf, isObject, readVersion, stamp } from './record-chain.js'
import type { RecordChain } from './record-chain.js'
import { RecordProblem, rejectRecord } from './record-problem.js'
import { upgradeValue } from './upgrade-value.js'
import type { Upgraded } from './upgrade-value.js'

interface ReadDocument {
  readonly source: ParsedJson
  /** The file when it was opened, and what it held. */
  readonly original: Original
}

export interface RecordReadOptions extends RecordWriteOptions {
  /** Default false. */
  readonly writeBack?: boolean
}

/** See `RecordAccess.read`. */
export async function readRecord(
  chain: RecordChain,
  file: string,
  options: RecordReadOptions = {},
): Promise<Upgraded<unknown>> {
  checkOptions(`record('${chain.name}').read`, options, ['writeBack', 'backup', 'onEvent'])
  const { source, original } = readDocument(chain, file)
  const upgraded = upgradeValue(chain, source.value, file)
  if (upgraded.changed && options.writeBack === true) {
    const text = rewrite(chain, source, upgraded.value)
    replaceOld(chain, { file, original, from: upgraded.from }, text, options)
  }
  return upgraded
}

/** See `RecordAccess.write`. */
export async function writeRecord(
  chain: RecordChain,
  file: string,
  value: unknown,
  options: RecordWriteOptions = {},
): Promise<void> {
  checkOptions(`record('${chain.name}').write`, options, ['backup', 'onEvent'])
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
    const from = before === null ? head : readVersion(chain, before.source.value, head)
    if (before !== null) checkKnown(chain, from, head)
    const stamped = stamp(chain, value, head)
    checkDocument(chain, stamped, head, head)
    const text = before === null ? stringifyJson(stamped) : rewrite(chain, before.source, stamped)
    if (before !== null && from < head) replaceOld(chain, { file, original: before.original, from }, text, options)
    else replace(chain, file, text, before?.original ?? null)
  } catch (error) {
    throw error instanceof RecordProblem ? rejectRecord(chain.name, file, error) : error
  }
}

function checkOptions(owner: string, options: RecordWriteOptions, known: readonly string[]): void {
  checkOptionNames(owner, options, known)
  const { backup = 'required' } = options
  if (!['required', 'try', 'none'].includes(backup))
    throw new TypeError(`${owner}: backup is 'required', 'try' or 'none', not '${backup}'`)
}

function rewrite(chain: RecordChain, source: ParsedJson, value: unknown): string {
  return rewriteJsonText(source, value, chain.versionKey === false ? {} : { first: chain.versionKey })
}

function readDocument(chain: RecordChain, file: string): ReadDocument {
  const original = readBytes(file)
  const reject = (reason: string, cause?: unknown): Error =>
    rejectRecord(
      chain.name,
      file,
      new RecordProblem({ blame: 'document', from: null, to: headOf(chain), reason, cause }),
    )
  const read = readDocumentText(original.bytes)
  if ('reason' in read) throw reject(read.reason)
  try {
    return { source: parseJsonText(read.text), original }
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

function readBytes(file: string): Original {
  try {
    const fd = openPlainFile(file)
    try {
      // Taken before the bytes: what is written meanwhile makes it another file.
      const stats = disk.fstat(fd)
      return { bytes: readOpenFile(fd), stats }
    } finally {
      disk.close(fd)
    }
  } catch (error) {
    throw systemCode(error) === 'ENOENT' ? error : diskFailure(error, `Reading ${file}`)
  }
}

/** With its original kept, unless nothing came of it: an error may also come after the new content has. */
function replaceOld(
  chain: RecordChain,
  old: Omit<OldDocument, 'versionOf'>,
  text: string,
  options: RecordWriteOptions,
): void {
  const takeBack = keepOriginal({ ...old, versionOf: (bytes) => versionIn(chain, bytes) }, options)
  try {
    replace(chain, old.file, text, old.original)
  } catch (error) {
    if (!mayHold(old.file, text)) takeBack()
    throw error
  }
}

function mayHold(file: string, text: string): boolean {
  try {
    return readBytes(file).bytes.equals(encodeText(text))
  } catch {
    return true
  }
}

function versionIn(chain: RecordChain, bytes: Buffer): number | null {
  const read = readDocumentText(bytes)
  if ('reason' in read) return null
  try {
    return readVersion(chain, parseJsonText(read.text).value, headOf(chain))
  } catch (error) {
    if (error instanceof JsonTextError || error instanceof RecordProblem) return null
    throw error
  }
}

function replace(chain: RecordChain, file: string, text: string, original: Original | null): void {
  try {
    replaceFile(file, encodeText(text), { expect: original === null ? null : identityOf(original.stats) })
  } catch (error) {
    throw systemCode(error) === 'ENOENT' ? error : diskFailure(error, `Writing the record '${chain.name}' to ${file}`)
  }
}
