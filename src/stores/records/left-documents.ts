import type { LeftDocument } from '../../model/marker.js'

/**
 * A document that was left where it is. `at` stands in the markers of stores whose documents say no version: it is the
 * version that the document still has.
 */
export interface LeftRecord extends LeftDocument {
  readonly at?: number
}

/** The versions of documents left behind, by name. */
export function versionsLeft(left: readonly LeftRecord[]): ReadonlyMap<string, number> {
  return new Map(left.flatMap(({ file, at }) => (Number.isSafeInteger(at) ? [[file, at as number] as const] : [])))
}

/** The list after a file, or all in a directory, was moved. */
export function moveLeft(left: readonly LeftRecord[], from: string, to: string): LeftRecord[] {
  return left.map((each) => (isAt(each.file, from) ? { ...each, file: to + each.file.slice(from.length) } : each))
}

/** The list after a file, or all in a directory, was removed or written anew. */
export function dropLeft(left: readonly LeftRecord[], path: string): LeftRecord[] {
  return left.filter(({ file }) => !isAt(file, path))
}

function isAt(document: string, path: string): boolean {
  return document === path || (document.startsWith(path) && /^(?:\/|:\d+$|\[\d+\]$)/.test(document.slice(path.length)))
}
