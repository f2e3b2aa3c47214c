import { breathe } from '../../disk/breathe.js'
import type { Overlay } from '../../disk/overlay.js'
import { splitElements } from '../../json/split.js'
import { encodeText } from './decode-text.js'
import { documentsOf } from './document.js'
import { readLines } from './read-lines.js'
import { describeJsonError, rejectDocument } from './rejection.js'
import type { DocumentPlace, FilesScope } from './rejection.js'
import type { Schema } from './schema.js'

export interface RewriteRequest {
  readonly from: Schema
  readonly to: Schema
  readonly each: 'file' | 'line' | 'element'
  readonly change: (value: unknown, file: string) => unknown
  /** Throws once the step has ended, so that nothing is written after that. */
  readonly check: () => void
}

const outputBytes = 1 << 18

/** Rewrites the documents of one file; a file in which nothing changes is not written. */
export async function rewriteFile(
  overlay: Overlay,
  scope: FilesScope,
  file: string,
  request: RewriteRequest,
): Promise<void> {
  const documents = documentsOf(overlay, scope)
  const rewrite = (text: string, place: DocumentPlace): Promise<string> =>
    documents.rewrite(text, request, place, (value) => request.change(value, file))

  if (request.each === 'line') return await rewriteLines(overlay, scope, file, request.check, rewrite)
  const before = documents.decode(overlay.read(file), { file })
  const after =
    request.each === 'file'
      ? await rewrite(before, { file })
      : await rewriteElements(overlay, scope, file, before, rewrite)
  request.check()
  if (after !== before) overlay.write(file, encodeText(after))
}

async function rewriteElements(
  overlay: Overlay,
  scope: FilesScope,
  file: string,
  text: string,
  rewrite: (text: string, place: DocumentPlace) => Promise<string>,
): Promise<string> {
  const split = splitOrReject(overlay, scope, file, text)
  const elements: string[] = []
  for (const [element, before] of split.elements.entries()) {
    await breathe(scope.signal)
    elements.push(await rewrite(before, { file, element }))
  }
  return split.join(elements)
}

function splitOrReject(
  overlay: Overlay,
  scope: FilesScope,
  file: string,
  text: string,
): ReturnType<typeof splitElements> {
  try {
    return splitElements(text)
  } catch (error) {
    const reason = describeJsonError(error)
    throw reason === null ? error : rejectDocument(overlay, scope, { file }, reason, error)
  }
}

/** Streams: a log of any length takes the memory of its longest line. */
async function rewriteLines(
  overlay: Overlay,
  scope: FilesScope,
  file: string,
  check: () => void,
  rewrite: (text: string, place: DocumentPlace) => Promise<string>,
): Promise<void> {
  const documents = documentsOf(overlay, scope)
  const writer = overlay.openWriter(file)
  let hasChanged = false
  let output = ''
  try {
    for (const { number, bytes, end } of readLines(overlay.readChunks(file))) {
      await breathe(scope.signal)
      const before = documents.decode(bytes, { file, line: number })
      const after = isBlank(before) ? before : await rewrite(before, { file, line: number })
      if (after !== before) hasChanged = true
      output += after + end
      if (output.length < outputBytes) continue
      writer.write(encodeText(output))
      output = ''
    }
    writer.write(encodeText(output))
    check()
    if (hasChanged) writer.finish()
  } finally {
    writer.abandon()
  }
}

/** A line of white space is not a document; a byte order mark alone is none either. */
export function isBlank(line: string): boolean {
  return /^\uFEFF?[ \t\r]*$/.test(line)
}
