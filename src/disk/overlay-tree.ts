import type { BigIntStats } from 'node:fs'
import { join } from 'node:path'
import type { Claim } from '../model/claim.js'
import { claimMatcher } from './claim-matcher.js'
import { disk } from './disk.js'
import { changedFile, fileError, undecodableFile, unsupportedFile } from './failures.js'
import { identityOf } from './identity.js'
import { oldTree, type OldTree } from './old-tree.js'
import { overlayDelta, type Content, type OverlayDelta } from './overlay-delta.js'
import { openAndLook } from './read-file.js'
import { ancestorsOf, comparePaths, isPlainPath, joinPath } from './relative-path.js'
import { stagedPath } from './staged-file.js'
import type { Staging } from './staging.js'

/** What stands where in an overlay: the old tree with the delta over it. Paths are relative to the claim's base. */
export interface OverlayTree {
  readonly old: OldTree
  readonly delta: OverlayDelta
  /** What `identityOf` said of each old file when it was first looked at. */
  readonly seen: ReadonlyMap<string, string>
  /** The path as messages name it. */
  shown(path: string): string
  /** Throws a TypeError unless a step may read or write there. */
  checkPath(path: string, use: 'read' | 'write'): void
  /** Throws unless a file can stand at `path`: no file above it, no directory with files at it. */
  checkPlace(path: string): void
  isOldFile(path: string): boolean
  /** Whether what stands at `path` is a plain file. */
  isPlain(path: string): boolean
  contentOf(path: string): Content | undefined
  /** Throws ENOENT or EISDIR if there is none. */
  contentAt(path: string): Content
  setContent(path: string, content: Content | null): void
  /** Looks at an old file that is about to be replaced, moved or removed, and refuses what is not a plain one. */
  seeToChange(path: string): BigIntStats
  openContent(content: Content): number
  describe(content: Content): { readonly size: number; readonly mode: number }
  /** The store's files at or below a directory, sorted, symlinks and special files included. */
  filesBelow(directory: string, signal?: AbortSignal): Promise<string[]>
}

export function overlayTree(root: string, claim: Claim, staging: Staging): OverlayTree {
  const matcher = claimMatcher(claim)
  const old = oldTree(root, claim.base, matcher)
  const delta = overlayDelta()
  const seen = new Map<string, string>()

  const oldPath = (path: string): string => join(root, claim.base, path)
  const shown = (path: string): string => joinPath(claim.base, path)

  const checkPath = (path: string, use: 'read' | 'write'): void => {
    if (typeof path !== 'string' || !isPlainPath(path)) {
      throw new TypeError(`not a path inside the store: ${JSON.stringify(path)} (relative, with '/', without '..')`)
    }
    const belonging = matcher.belongingOf(path)
    if (belonging === 'file' || (use === 'read' && belonging === 'derived')) return
    throw new TypeError(`${shown(path)} ${belongingText[belonging]}`)
  }

  const contentOf = (path: string): Content | undefined => {
    const changed = delta.get(path)
    if (changed !== undefined) return changed ?? undefined
    const kind = old.kindOf(path)
    return kind === undefined || kind === 'directory' ? undefined : { old: path }
  }

  const contentAt = (path: string): Content => {
    const content = contentOf(path)
    if (content !== undefined) return content
    const isDirectory = old.kindOf(path) === 'directory' || delta.hasBelow(path)
    throw fileError(isDirectory ? 'EISDIR' : 'ENOENT', shown(path), isDirectory ? 'is a directory' : 'no such file')
  }

  /** Remembers the file as first seen; it has to be the same whenever it is looked at again, and at the commit. */
  const see = (path: string, stats: BigIntStats): void => {
    const identity = identityOf(stats)
    if ((seen.get(path) ?? identity) !== identity) throw changedFile(shown(path), 'was changed')
    seen.set(path, identity)
  }

  /** No path leads to one whose name is not UTF-8. */
  const checkName = (path: string): void => {
    if (old.kindOf(path) === 'undecodable') throw undecodableFile(shown(path))
  }

  const seeToChange = (path: string): BigIntStats => {
    checkName(path)
    // What was just read is changed next, thousands of times; the commit looks again
    const stats = opened?.path === path ? opened.stats : disk.lstat(oldPath(path))
    if (stats.isSymbolicLink()) throw unsupportedFile(shown(path), 'a symlink')
    if (!stats.isFile()) throw unsupportedFile(shown(path), 'not a plain file')
    if (stats.nlink > 1n) throw unsupportedFile(shown(path), 'a file with several names (hard links)')
    see(path, stats)
    return stats
  }

  let opened: { readonly path: string; readonly stats: BigIntStats } | null = null
  const openOld = (path: string): number => {
    checkName(path)
    const { fd, stats } = openAndLook(oldPath(path))
    try {
      see(path, stats)
      opened = { path, stats }
      return fd
    } catch (error) {
      disk.close(fd)
      throw error
    }
  }

  const openContent = (content: Content): number =>
    'old' in content ? openOld(content.old) : disk.open(stagedPath(staging, content.staged.number), 'r')

  const setContent = (path: string, content: Content | null): void => {
    const isAsBefore = content === null ? !isOldFile(path) : 'old' in content && content.old === path
    delta.set(path, isAsBefore ? undefined : content)
  }

  const isOldFile = (path: string): boolean => {
    const kind = old.kindOf(path)
    return kind !== undefined && kind !== 'directory'
  }

  const checkPlace = (path: string): void => {
    for (const directory of ancestorsOf(path)) {
      const content = contentOf(directory)
      if (content === undefined) continue
      if ('old' in content) seeToChange(content.old)
      throw fileError('ENOTDIR', shown(directory), 'is a file')
    }
    const isTaken =
      delta.hasBelow(path) ||
      (old.kindOf(path) === 'directory' &&
        old.allBelow(path).some((below) => delta.get(below) === undefined && matcher.belongingOf(below) !== 'derived'))
    if (isTaken) throw fileError('EISDIR', shown(path), 'is a directory')
  }

  const filesBelow = async (directory: string, signal?: AbortSignal): Promise<string[]> => {
    const files = (await old.pathsBelow(directory, signal)).filter(
      (path) => delta.get(path) === undefined && matcher.belongingOf(path) === 'file',
    )
    const prefix = directory === '' ? '' : `${directory}/`
    for (const [path, content] of delta.entries()) if (content !== null && path.startsWith(prefix)) files.push(path)
    return files.sort(comparePaths)
  }

  const describe = (content: Content): { size: number; mode: number } => {
    if ('staged' in content) return { size: content.staged.size, mode: content.staged.mode }
    checkName(content.old)
    const stats = disk.lstat(oldPath(content.old))
    return { size: Number(stats.size), mode: Number(stats.mode) & 0o7777 }
  }

  const isPlain = (path: string): boolean => delta.get(path) !== undefined || old.kindOf(path) === 'file'

  return {
    old,
    delta,
    seen,
    shown,
    checkPath,
    checkPlace,
    isOldFile,
    isPlain,
    contentOf,
    contentAt,
    setContent,
    seeToChange,
    openContent,
    describe,
    filesBelow,
  }
}

const belongingText = {
  derived: 'is derived: the app rebuilds it, steps do not write it',
  marker: 'is the marker, which moult writes',
  ignored: 'is ignored by this store',
  other: 'belongs to another store',
  moult: "is one of moult's own names",
  unclaimed: "is not matched by the store's `files`",
} as const
