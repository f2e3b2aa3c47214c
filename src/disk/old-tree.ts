import { join } from 'node:path'
import { breathe } from './breathe.js'
import type { ClaimMatcher } from './claim-matcher.js'
import { joinPath, nameOf, parentOf } from './relative-path.js'
import { checkNoSymlink, listDirectory } from './walk.js'
import { nestedState, unsupportedFile } from './failures.js'
import type { DirectoryEntry } from './undecodable-names.js'

export type NodeKind = 'file' | 'directory' | 'symlink' | 'special' | 'undecodable'

/**
 * The names below a directory as they were when first asked for. Each directory is listed once, when something in it
 * is needed, so a step that touches three files of a million costs three listings. Names are compared as they are
 * written, also where the file system folds case.
 */
export interface OldTree {
  kindOf(path: string): NodeKind | undefined
  /** Names and kinds in a directory; empty if there is none. A symlink on the way is refused. */
  listing(directory: string): ReadonlyMap<string, NodeKind>
  /** All paths at or below `directory` that are no directories, pruned by the claim, unsorted. */
  pathsBelow(directory: string, signal?: AbortSignal): Promise<string[]>
  /** As `pathsBelow`, of everything, at once. */
  allBelow(directory: string): string[]
}

export function oldTree(root: string, base: string, matcher: ClaimMatcher): OldTree {
  const listings = new Map<string, ReadonlyMap<string, NodeKind>>()

  const kindOf = (path: string): NodeKind | undefined =>
    path === '' ? 'directory' : listing(parentOf(path)).get(nameOf(path))

  const listing = (directory: string): ReadonlyMap<string, NodeKind> => {
    const known = listings.get(directory)
    if (known !== undefined) return known
    const names = new Map<string, NodeKind>()
    const kind = kindOf(directory)
    if (kind === 'symlink') throw unsupportedFile(joinPath(base, directory), 'a symlink')
    if (directory === '') checkNoSymlink(root, base)
    if (kind === 'directory') {
      for (const entry of listDirectory(join(root, base, directory))) {
        names.set(entry.name, kindOfEntry(entry))
      }
    }
    if (directory !== '' && names.get('.moult') === 'directory') throw nestedState(joinPath(base, directory))
    listings.set(directory, names)
    return names
  }

  const pathsBelow = async (top: string, signal?: AbortSignal): Promise<string[]> => {
    const paths: string[] = []
    const directories = [top]
    for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
      await breathe(signal)
      for (const [name, kind] of listing(directory)) {
        const path = joinPath(directory, name)
        if (kind !== 'directory') paths.push(path)
        else if (matcher.mayHold(path, 'file')) directories.push(path)
      }
    }
    return paths
  }

  const allBelow = (directory: string): string[] => {
    const paths: string[] = []
    for (const [name, kind] of listing(directory)) {
      const path = joinPath(directory, name)
      if (kind === 'directory') paths.push(...allBelow(path))
      else paths.push(path)
    }
    return paths
  }

  return { kindOf, listing, pathsBelow, allBelow }
}

function kindOfEntry(entry: DirectoryEntry): NodeKind {
  if (entry.isUndecodable === true) return 'undecodable'
  if (entry.isDirectory()) return 'directory'
  if (entry.isFile()) return 'file'
  return entry.isSymbolicLink() ? 'symlink' : 'special'
}
