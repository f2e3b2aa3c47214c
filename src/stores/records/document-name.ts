import type { Each } from './documents.js'

/** The file that a document's name speaks of, and which of its documents, if the name says so. */
export function parseDocumentName(name: string, each: Each): { readonly file: string; readonly index: number | null } {
  const match = each === 'line' ? /^(.+):(\d+)$/s.exec(name) : each === 'element' ? /^(.+)\[(\d+)\]$/s.exec(name) : null
  return match?.[1] === undefined ? { file: name, index: null } : { file: match[1], index: Number(match[2]) }
}
