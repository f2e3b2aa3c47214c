import { decodeText } from '../files/decode-text.js'

/**
 * The largest single document, in bytes. Its text, its value and where everything stands in it are held in memory at
 * once, several times this; JSONL files are streamed and may be of any size.
 */
export const maxDocumentBytes = 128 * 1024 * 1024

/** The text of a document, or why it has none. */
export function readDocumentText(bytes: Uint8Array): { readonly text: string } | { readonly reason: string } {
  if (bytes.length > maxDocumentBytes) return { reason: tooLarge }
  const text = decodeText(bytes)
  return text === null ? { reason: 'it is not UTF-8 text' } : { text }
}

export const tooLarge = `it is larger than ${maxDocumentBytes / 1024 / 1024} MiB, the most that one document can have`
