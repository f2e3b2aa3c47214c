import { basename, dirname, join } from 'node:path'
import { disk } from '../../disk/disk.js'
import { readFile } from '../../disk/read-file.js'
import { addFile } from '../../disk/write-file.js'
import type { Listener } from '../../model/events.js'
import { MoultFailure } from '../../model/errors.js'

/** How a document that is about to become one of a newer version is kept, and who is told that it could not be. */
export interface RecordWriteOptions {
  /** Default `'required'`: what cannot be kept is BACKUP_FAILED, and nothing is written. `'try'`: it is a warning. */
  readonly backup?: 'required' | 'try' | 'none'
  /** Told of warnings. */
  readonly onEvent?: Listener
}

export interface Original {
  readonly bytes: Buffer
  readonly stats: ReturnType<typeof disk.fstat>
}

/** A document that is about to become one of a newer version. */
export interface OldDocument {
  readonly file: string
  readonly original: Original
  /** Its version. */
  readonly from: number
  /** Of what was kept earlier: null for what is no such document. */
  readonly versionOf: (bytes: Buffer) => number | null
}

/**
 * Keeps a document as it was before its first change of version, beside it, where no walk and no pattern of a store
 * finds it: `.<name>.moult-bak`. One of an older version that was kept already is the first original, and stays the only
 * one. One of the same version is another document's, or that of an attempt that came to nothing: then this one is kept
 * too, as `.<name>.2.moult-bak` and so on. Only their owner deletes them. Answers how to take back what was made.
 */
export function keepOriginal(document: OldDocument, { backup = 'required', onEvent }: RecordWriteOptions): () => void {
  if (backup === 'none') return () => undefined
  try {
    return keep(document)
  } catch (cause) {
    const message = `The original of ${document.file} could not be kept: ${cause instanceof Error ? cause.message : String(cause)}`
    if (backup === 'required') throw notKept(document.file, message, cause)
    onEvent?.({ type: 'warning', code: 'BACKUP_FAILED', message })
    return () => undefined
  }
}

function keep({ file, original: { bytes, stats }, from, versionOf }: OldDocument): () => void {
  for (let n = 1; ; n++) {
    const path = keptPath(file, n)
    if (addFile(path, { data: bytes, like: stats, beside: file })) return () => takeBack(path)
    const kept = readFile(path)
    if (kept.equals(bytes)) return () => undefined
    const version = versionOf(kept)
    if (version !== null && version < from) return () => undefined
  }
}

/** If that fails it is kept for nothing, and the first error says more. */
function takeBack(path: string): void {
  try {
    disk.unlink(path)
  } catch {
    // As above
  }
}

function keptPath(file: string, n: number): string {
  return join(dirname(file), `.${basename(file)}${n === 1 ? '' : `.${n}`}.moult-bak`)
}

function notKept(file: string, message: string, cause: unknown): MoultFailure<'BACKUP_FAILED'> {
  return new MoultFailure('BACKUP_FAILED', {
    message: `${message}. The document stays as it is.`,
    hint: `Make room for ${keptPath(file, 1)}, or go on without: backup: 'try' or 'none'.`,
    details: {},
    cause,
  })
}
