import { basename, dirname, join } from 'node:path'
import type { disk } from '../../disk/disk.js'
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

/** Beside the document, where no walk and no pattern of a store finds it. */
function originalPath(file: string): string {
  return join(dirname(file), `.${basename(file)}.moult-bak`)
}

/**
 * Keeps a document as it was before its first change of version. What is kept already stays: it is older, and nobody
 * but its owner deletes it.
 */
export function keepOriginal(
  file: string,
  { bytes, stats }: Original,
  { backup = 'required', onEvent }: RecordWriteOptions,
): void {
  if (backup === 'none') return
  try {
    addFile(originalPath(file), bytes, stats)
  } catch (cause) {
    const message = `The original of ${file} could not be kept: ${cause instanceof Error ? cause.message : String(cause)}`
    if (backup === 'required') throw notKept(file, message, cause)
    onEvent?.({ type: 'warning', code: 'BACKUP_FAILED', message })
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
