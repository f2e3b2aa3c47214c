import type { Overlay } from '../../disk/overlay.js'
import { joinPath } from '../../disk/relative-path.js'
import { JsonTextError, JsonValueError } from '../../json/json-error.js'
import { MoultFailure } from '../../model/errors.js'

/** Who works with a store's files, and for which version. */
export interface FilesScope {
  readonly store: string
  /** `store/step`, as messages name it. */
  readonly step: string
  /** The version that the step brings its store to, or that a view shows. */
  readonly version: number
  readonly signal: AbortSignal
}

/** Where a document stands: a file, or a line or an element of one. */
export interface DocumentPlace {
  /** Relative to the store's directory. */
  readonly file: string
  /** From 1. */
  readonly line?: number
  /** From 0, as schemas count. */
  readonly element?: number
}

/** RECORD_REJECTED for a document of a store. `reason` must not quote it. */
export function rejectDocument(
  overlay: Overlay,
  scope: FilesScope,
  place: DocumentPlace,
  reason: string,
  cause?: unknown,
): MoultFailure<'RECORD_REJECTED'> {
  const file = joinPath(overlay.claim.base, place.file)
  const record =
    place.line !== undefined
      ? `${file}:${place.line}`
      : place.element !== undefined
        ? `${file}[${place.element}]`
        : file
  return new MoultFailure('RECORD_REJECTED', {
    message: `The step ${scope.step} cannot go on with ${record}: ${reason}.`,
    hint: 'Mend or move away this document, or change the step so that it takes such documents.',
    details: { record, file, from: null, to: scope.version, reason },
    cause,
  })
}

/** What is wrong with a document as text or as a value; null for errors that are about something else. */
export function describeJsonError(error: unknown): string | null {
  return error instanceof JsonTextError || error instanceof JsonValueError ? error.message : null
}
