import type { LeftDocument } from '../../model/marker.js'
import { parseDocumentName } from './document-name.js'
import type { Each } from './documents.js'

/** The documents left behind in each file, in order. */
export function leftByFile(left: readonly LeftDocument[], each: Each): ReadonlyMap<string, readonly LeftDocument[]> {
  const files = new Map<string, LeftDocument[]>()
  for (const document of left) {
    const { file } = parseDocumentName(document.file, each)
    const others = files.get(file)
    if (others) others.push(document)
    else files.set(file, [document])
  }
  return files
}

/** Equal as long as nobody wrote the file or gave it another name; unlike an inode it survives a copy with its times. */
export function stampOf({ size, mtimeNs, nlink }: Readonly<Record<'size' | 'mtimeNs' | 'nlink', bigint>>): string {
  return `${size}:${mtimeNs}:${nlink}`
}

/** The list after a file, or all in a directory, was moved. */
export function moveLeft(left: readonly LeftDocument[], from: string, to: string): LeftDocument[] {
  return left.map((each) => (isAt(each.file, from) ? { ...each, file: to + each.file.slice(from.length) } : each))
}

/** The list after a file, or all in a directory, was removed or written anew. */
export function dropLeft(left: readonly LeftDocument[], path: string): LeftDocument[] {
  return left.filter(({ file }) => !isAt(file, path))
}

/** Whether a document is at a path: it is that file, or in it, or in that directory. */
export function isAt(document: string, path: string): boolean {
  return document === path || (document.startsWith(path) && /^(?:\/|:\d+$|\[\d+\]$)/.test(document.slice(path.length)))
}
