import type { Overlay } from '../../disk/overlay.js'
import { parseJsonText } from '../../json/parse.js'
import type { ParsedJson } from '../../json/parse.js'
import { rewriteJsonText } from '../../json/rewrite.js'
import { decodeText } from './decode-text.js'
import { describeJsonError, rejectDocument } from './rejection.js'
import type { DocumentPlace, FilesScope } from './rejection.js'
import { findMisfit } from './schema.js'
import type { Schema } from './schema.js'

/** The documents of a store, read and written with nothing guessed. All methods throw RECORD_REJECTED. */
export interface Documents {
  decode(bytes: Uint8Array, place: DocumentPlace): string
  parse(text: string, place: DocumentPlace): ParsedJson
  check(schema: Schema, value: unknown, place: DocumentPlace): Promise<void>
  /** A document that fits, fresh: some libraries change what they check, and that must have no effect. */
  read(text: string, schema: Schema, place: DocumentPlace): Promise<unknown>
  /** The text for what `change` makes of a document. What was checked is what that text says. */
  rewrite(
    text: string,
    schemas: { readonly from: Schema; readonly to: Schema },
    place: DocumentPlace,
    change: (value: unknown) => unknown,
  ): Promise<string>
}

export function documentsOf(overlay: Overlay, scope: FilesScope): Documents {
  const reject = (place: DocumentPlace, reason: string, cause?: unknown) =>
    rejectDocument(overlay, scope, place, reason, cause)

  const documents: Documents = {
    decode(bytes, place) {
      const text = decodeText(bytes)
      if (text === null) throw reject(place, 'it is not UTF-8 text')
      return text
    },
    parse(text, place) {
      try {
        return parseJsonText(text)
      } catch (error) {
        const reason = describeJsonError(error)
        throw reason === null ? error : reject(place, reason, error)
      }
    },
    async check(schema, value, place) {
      const misfit = await findMisfit(schema, value)
      if (misfit !== null) throw reject(place, misfit)
    },
    async read(text, schema, place) {
      await documents.check(schema, documents.parse(text, place).value, place)
      return readAgain(text)
    },
    async rewrite(text, { from, to }, place, change) {
      const source = documents.parse(text, place)
      await documents.check(from, source.value, place)
      const result = change(readAgain(text))
      if (result instanceof Promise) throw new TypeError('the function given to rewrite must be synchronous')
      let after: string
      try {
        after = rewriteJsonText(source, result)
      } catch (error) {
        const reason = describeJsonError(error)
        throw reason === null ? error : reject(place, `its new value cannot be written: ${reason}`, error)
      }
      const misfit = await findMisfit(to, readAgain(after))
      if (misfit !== null) throw reject(place, `its new value is refused: ${misfit}`)
      return after
    },
  }
  return documents
}

function readAgain(text: string): unknown {
  return JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text)
}
