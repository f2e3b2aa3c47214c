import { containerLayout, documentForm } from './layout.js'
import type { JsonSource } from './parse.js'
import { nodeSize } from './scan.js'
import { writeValue } from './write-value.js'
import type { JsonForm } from './write-value.js'

export interface StringifyOptions {
  /** A document to look like: its indentation, spacing, line ends, final line end, escapes. Default: none. */
  readonly like?: JsonSource
  /** One level of indentation, a number for that many spaces, 0 or '' for all on one line. Default: like `like`, else 2. */
  readonly indent?: number | string
  /** Default: like `like`, else '\n'. */
  readonly eol?: '\n' | '\r\n'
  /** Whether the text ends with a line end. Default: like `like`, else true. */
  readonly finalNewline?: boolean
  /** Whether everything beyond ASCII is escaped. Default: like `like`, else false. */
  readonly ascii?: boolean
}

/** The text of a new document. Throws JsonValueError for what JSON cannot hold, see writeValue. */
export function stringifyJson(value: unknown, options: StringifyOptions = {}): string {
  const { like } = options
  const seen = like === undefined ? null : formOf(like)
  const indent = options.indent ?? (seen === null ? 2 : seen.isMultiline ? seen.unit : 0)
  const unit = typeof indent === 'number' ? ' '.repeat(indent) : indent
  const isMultiline = unit !== ''
  const eol = options.eol ?? seen?.eol ?? '\n'
  const escapes =
    options.ascii === undefined
      ? (seen?.escapes ?? 'none')
      : options.ascii
        ? seen?.escapes === 'upper'
          ? 'upper'
          : 'lower'
        : 'none'
  const form: JsonForm = {
    isMultiline,
    unit,
    eol,
    colon: seen !== null && seen.isMultiline === isMultiline ? seen.colon : isMultiline ? ': ' : ':',
    comma: seen?.comma ?? ',',
    escapes,
  }
  const finalNewline = options.finalNewline ?? (like === undefined || /[\r\n]$/.test(like.text))
  return writeValue(value, form, '', []) + (finalNewline ? eol : '')
}

function formOf(source: JsonSource): JsonForm {
  const form = documentForm(source)
  const opening = source.text.charCodeAt(source.nodes[0]!)
  const isEmpty = source.nodes.length === nodeSize
  return isEmpty || (opening !== 0x7b && opening !== 0x5b) ? form : containerLayout(source, 0, form)
}
