import type { Overlay } from '../../disk/overlay.js'
import { JsonTextError } from '../../json/json-error.js'
import { parseJsonText } from '../../json/parse.js'
import { rewriteJsonText } from '../../json/rewrite.js'
import { stringifyJson } from '../../json/stringify.js'
import { decodeText, encodeText } from '../files/decode-text.js'
import { openAfter } from './documents.js'
import type { Each } from './documents.js'
import { RecordProblem } from './record-problem.js'

/** Records that are added to the end of files, written down together: each time costs as much as the whole file. */
export interface Appends {
  add(file: string, value: unknown): void
  settle(): void
}

const heldLetters = 1 << 23

/** `to` is the version of what is added; `name` makes of a problem with a file's document what the caller is told. */
export function openAppends(
  overlay: Overlay,
  each: Each,
  to: number,
  name: (file: string, error: unknown) => unknown,
): Appends {
  const waiting = new Map<string, unknown[]>()
  let letters = 0

  const settle = (): void => {
    for (const [file, values] of waiting) {
      waiting.delete(file)
      try {
        if (each === 'line') appendLines(overlay, file, values)
        else appendElements(overlay, file, values, to)
      } catch (error) {
        throw name(file, error)
      }
    }
    letters = 0
  }

  return {
    add(file, value) {
      // Also says at once what is wrong with the path.
      overlay.has(file)
      const known = waiting.get(file)
      if (known === undefined) waiting.set(file, [value])
      else known.push(value)
      letters += JSON.stringify(value).length
      if (letters > heldLetters) settle()
    },
    settle,
  }
}

function appendLines(overlay: Overlay, file: string, values: readonly unknown[]): void {
  const text = values.map((value) => `${stringifyJson(value, { indent: 0, finalNewline: false })}\n`).join('')
  const size = overlay.info(file)?.size ?? 0
  const writer = openAfter(overlay, file, size)
  try {
    const ending = size > 0 ? lastByte(overlay, file) : 0x0a
    writer.write(encodeText(ending === 0x0a ? text : `\n${text}`))
    writer.finish()
  } finally {
    writer.abandon()
  }
}

function lastByte(overlay: Overlay, file: string): number {
  let last = 0
  for (const chunk of overlay.readChunks(file)) last = chunk[chunk.length - 1] ?? last
  return last
}

function appendElements(overlay: Overlay, file: string, values: readonly unknown[], to: number): void {
  if (!overlay.has(file)) return overlay.write(file, encodeText(stringifyJson(values)))
  const text = decodeText(overlay.read(file))
  const reject = (reason: string): RecordProblem => new RecordProblem({ blame: 'document', from: null, to, reason })
  if (text === null) throw reject('it is not UTF-8 text')
  try {
    const source = parseJsonText(text)
    if (!Array.isArray(source.value)) throw reject('the document is not an array')
    overlay.write(file, encodeText(rewriteJsonText(source, [...(source.value as unknown[]), ...values])))
  } catch (error) {
    throw error instanceof JsonTextError ? reject(error.message) : error
  }
}
