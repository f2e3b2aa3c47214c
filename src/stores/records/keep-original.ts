import type { BigIntStats } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { addFile } from '../../disk/write-file.js'
import type { Listener } from '../../model/events.js'
import { MoultFailure } from '../../model/errors.js'

/** How a document that is about to become one of a newer version is kept, and who is told that it could not be. */
export interface RecordWriteOptions {
  /** Default `'try'`: what cannot be kept is a warning. `'required'`: BACKUP_FAILED, and nothing is written. */
  readonly backup?: 'required' | 'try' | 'none'
  /** Default: `process.emitWarning`. */
  readonly onEvent?: Listener
}

export interface Original {
  readonly bytes: Buffer
  readonly stats: BigIntStats
}

/** Beside the document, where no walk and no pattern of a store finds it. */
export function originalPath(file: string): string {
  return join(dirname(file), `.${basename(file)}.moult-bak`)
}

/**
 * Keeps a document as it was before its first change of version. What is kept already stays: it is older, and nobody
 * but its owner deletes it.
 */
export function keepOriginal(
  file: string,
  { bytes, stats }: Original,
  { backup = 'try', onEvent }: RecordWriteOptions,
): void {
  if (backup === 'none') return
  try {
    addFile(originalPath(file), bytes, stats)
  } catch (cause) {
    const message = `The original of ${file} could not be kept: ${cause instanceof Error ? cause.message : String(cause)}`
    if (backup === 'required') throw notKept(file, message, cause)
    if (onEvent !== undefined) onEvent({ type: 'warning', code: 'BACKUP_FAILED', message })
    else process.emitWarning(message, { type: 'MoultWarning', code: 'BACKUP_FAILED' })
  }
}

function notKept(file: string, message: string, cause: unknown): MoultFailure<'BACKUP_FAILED'> {
  return new MoultFailure('BACKUP_FAILED', {
    message: `${message}. The document stays as it is.`,
    hint: `Make room for ${originalPath(file)}, or go on without: backup: 'try' or 'none'.`,
    details: {},
    cause,
  })
}
