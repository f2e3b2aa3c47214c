import { breathe } from '../../disk/breathe.js'
import type { Overlay, OverlayWriter } from '../../disk/overlay.js'
import { JsonTextError } from '../../json/json-error.js'
import { splitElements } from '../../json/split.js'
import type { SplitElements } from '../../json/split.js'
import { encodeText } from '../files/decode-text.js'
import { readLines } from '../files/read-lines.js'
import { isBlank } from '../files/rewrite-files.js'
import { maxDocumentBytes, readDocumentText, tooLarge } from './document-text.js'

/** What one document is: a file, a line of one that is not blank, or an element of the array in one. */
export type Each = 'file' | 'line' | 'element'

/** One document of a store, or why its text cannot be had. */
export type RawDocument =
  /** `name`: `a.json`, line 12 of `a.jsonl:12` (from 1), element 3 of `a.json[3]` (from 0, as in JavaScript). */
  { readonly name: string; readonly text: string } | { readonly name: string; readonly reason: string }

/** The documents of a file, one after the other. Lines are streamed. */
export function* readDocuments(
  file: string,
  chunks: Iterable<Buffer>,
  each: Each,
): Generator<RawDocument, void, undefined> {
  if (each === 'line') return yield* readLineDocuments(file, chunks)
  const read = readWhole(chunks)
  if ('reason' in read || each === 'file') return yield { name: file, ...read }
  const split = splitText(read.text)
  if ('reason' in split) return yield { name: file, reason: split.reason }
  for (const [index, text] of split.elements.entries()) yield { name: `${file}[${index}]`, text }
}

/** Gives a document's new text, or null to leave it as it is. */
export type DocumentChange = (document: RawDocument) => string | null

/** Changes the documents of one file; one in which nothing changes is not written. Answers how many changed. */
export async function rewriteDocuments(
  overlay: Overlay,
  file: string,
  each: Each,
  change: DocumentChange,
  signal?: AbortSignal,
): Promise<number> {
  if (each === 'line') return await rewriteLines(overlay, file, change, signal)
  const read = readWhole(overlay.readChunks(file))
  if ('reason' in read) {
    change({ name: file, reason: read.reason })
    return 0
  }
  const { text } = read
  const changed = each === 'file' ? changeText(file, text, change) : await changeElements(file, text, change, signal)
  if (changed.text !== text) overlay.write(file, encodeText(changed.text))
  return changed.count
}

interface Changed {
  readonly text: string
  readonly count: number
}

function changeText(file: string, text: string, change: DocumentChange): Changed {
  const after = change({ name: file, text })
  return after === null || after === text ? { text, count: 0 } : { text: after, count: 1 }
}

async function changeElements(
  file: string,
  text: string,
  change: DocumentChange,
  signal: AbortSignal | undefined,
): Promise<Changed> {
  const split = splitText(text)
  if ('reason' in split) {
    change({ name: file, reason: split.reason })
    return { text, count: 0 }
  }
  const elements: string[] = []
  let count = 0
  for (const [index, before] of split.elements.entries()) {
    await breathe(signal)
    const after = change({ name: `${file}[${index}]`, text: before }) ?? before
    if (after !== before) count += 1
    elements.push(after)
  }
  return { text: split.join(elements), count }
}

/** Streams, and begins to write at the first line that changes: a log of any length takes the memory of its longest line. */
async function rewriteLines(
  overlay: Overlay,
  file: string,
  change: DocumentChange,
  signal: AbortSignal | undefined,
): Promise<number> {
  let writer: OverlayWriter | null = null
  let sameBytes = 0
  let count = 0
  const pieces = collectPieces()
  try {
    for (const { number, bytes, end } of readLines(overlay.readChunks(file))) {
      await breathe(signal)
      const document = readLine(`${file}:${number}`, bytes)
      const after = document === null ? null : changeLine(document, change)
      if (after !== null) {
        writer ??= openAfter(overlay, file, sameBytes)
        count += 1
      }
      if (writer === null) sameBytes += bytes.length + end.length
      else pieces.add(writer, after === null ? bytes : encodeText(after), end)
    }
    if (writer !== null) {
      pieces.flush(writer)
      writer.finish()
    }
    return count
  } finally {
    writer?.abandon()
  }
}

function changeLine(document: RawDocument, change: DocumentChange): string | null {
  const after = change(document)
  return 'text' in document && after !== document.text ? after : null
}

/** A writer that has the first bytes of the file already. */
export function openAfter(overlay: Overlay, file: string, byteCount: number): OverlayWriter {
  const writer = overlay.openWriter(file)
  try {
    let missing = byteCount
    for (const chunk of missing > 0 ? overlay.readChunks(file) : []) {
      writer.write(chunk.subarray(0, missing))
      missing -= chunk.length
      if (missing <= 0) break
    }
    return writer
  } catch (error) {
    writer.abandon()
    throw error
  }
}

const outputBytes = 1 << 18

interface Pieces {
  add(writer: OverlayWriter, bytes: Uint8Array, end: string): void
  flush(writer: OverlayWriter): void
}

function collectPieces(): Pieces {
  let pieces: Uint8Array[] = []
  let size = 0
  const flush = (writer: OverlayWriter): void => {
    if (size > 0) writer.write(Buffer.concat(pieces, size))
    pieces = []
    size = 0
  }
  return {
    add(writer, bytes, end) {
      const ending = Buffer.from(end)
      pieces.push(bytes, ending)
      size += bytes.length + ending.length
      if (size >= outputBytes) flush(writer)
    },
    flush,
  }
}

function* readLineDocuments(file: string, chunks: Iterable<Buffer>): Generator<RawDocument, void, undefined> {
  for (const { number, bytes } of readLines(chunks)) {
    const document = readLine(`${file}:${number}`, bytes)
    if (document !== null) yield document
  }
}

/** Null for a blank line, which is no document. */
function readLine(name: string, bytes: Uint8Array): RawDocument | null {
  const read = readDocumentText(bytes)
  if ('text' in read && isBlank(read.text)) return null
  return { name, ...read }
}

function readWhole(chunks: Iterable<Buffer>): { readonly text: string } | { readonly reason: string } {
  const all: Buffer[] = []
  let size = 0
  for (const chunk of chunks) {
    all.push(chunk)
    size += chunk.length
    if (size > maxDocumentBytes) return { reason: tooLarge }
  }
  const [only] = all
  return readDocumentText(all.length === 1 && only !== undefined ? only : Buffer.concat(all, size))
}

function splitText(text: string): SplitElements | { readonly reason: string } {
  try {
    return splitElements(text)
  } catch (error) {
    if (error instanceof JsonTextError) return { reason: error.message }
    throw error
  }
}
