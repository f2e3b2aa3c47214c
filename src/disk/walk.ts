import { join } from 'node:path'
import type { Claim } from '../model/claim.js'
import { breathe } from './breathe.js'
import { claimMatcher } from './claim-matcher.js'
import { disk } from './disk.js'
import { fileError, nestedState, unsupportedFile } from './failures.js'
import { identityOf, isAbsent, lstatIfAny } from './identity.js'
import { comparePaths, joinPath, nameOf, parentOf } from './relative-path.js'
import type { DirectoryEntry } from './undecodable-names.js'

export interface WalkEntry {
  /** Relative to the claim's base, with `/`. */
  readonly path: string
  /** `undecodable`: a file or a directory that cannot be looked at, because its name is not UTF-8. */
  readonly kind: 'file' | 'symlink' | 'special' | 'undecodable'
  /** Bytes. */
  readonly size: number
  /** Permission bits. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly mtimeNs: bigint
  /** Names this file has; more than 1: hard-linked. */
  readonly links: number
  /** As `identityOf`. */
  readonly identity: string
}

/**
 * The files of a store, sorted by path: without moult's own, the marker, what is ignored, derived or another store's.
 * Symlinks are listed, never followed. A missing base has no files; a base that is no directory, or stands behind a
 * symlink, is an error. Reads directories and inodes, opens no file.
 */
export async function walkClaim(root: string, claim: Claim, signal?: AbortSignal): Promise<WalkEntry[]> {
  return await walk(root, claim, 'file', signal)
}

/** The store's derived files, listed as `walkClaim` does. */
export async function walkDerived(root: string, claim: Claim, signal?: AbortSignal): Promise<WalkEntry[]> {
  return await walk(root, claim, 'derived', signal)
}

/** Whether a store has any file, symlinks and special files included. Stops at the first. */
export function hasData(root: string, claim: Claim): boolean {
  for (const _ of findPaths(root, claim, 'file')) return true
  return false
}

/** Lists a directory, sorted; empty if there is none. */
export function listDirectory(path: string): DirectoryEntry[] {
  try {
    return disk.readdir(path).sort((a, b) => comparePaths(a.name, b.name))
  } catch (error) {
    if (isAbsent(error)) return []
    throw error
  }
}

/** Whether a path is what a walk calls a file or a directory whose name is not UTF-8. */
export function isUndecodable(root: string, path: string): boolean {
  const name = nameOf(path)
  return listDirectory(join(root, parentOf(path))).some((entry) => entry.name === name && entry.isUndecodable)
}

/** Checks that the directories of `path`, below `root`, are directories of their own as far as they exist. */
export function checkNoSymlink(root: string, path: string, checked: Set<string> = new Set()): void {
  let at = ''
  for (const name of path === '' ? [] : path.split('/')) {
    at = joinPath(at, name)
    if (checked.has(at)) continue
    const stats = lstatIfAny(join(root, at))
    if (stats === null) return
    if (stats.isSymbolicLink()) throw unsupportedFile(at, 'a symlink')
    if (!stats.isDirectory()) throw fileError('ENOTDIR', at, 'not a directory')
    checked.add(at)
  }
}

async function walk(root: string, claim: Claim, what: 'file' | 'derived', signal?: AbortSignal): Promise<WalkEntry[]> {
  const entries: WalkEntry[] = []
  for (const { path, isUndecodable: isUnseen } of findPaths(root, claim, what)) {
    await breathe(signal)
    if (isUnseen) {
      entries.push({ path, ...unseen })
      continue
    }
    const stats = lstatIfAny(join(root, claim.base, path))
    if (stats === null || stats.isDirectory()) continue
    entries.push({
      path,
      kind: stats.isFile() ? 'file' : stats.isSymbolicLink() ? 'symlink' : 'special',
      size: Number(stats.size),
      mode: Number(stats.mode) & 0o7777,
      uid: Number(stats.uid),
      gid: Number(stats.gid),
      mtimeNs: stats.mtimeNs,
      links: Number(stats.nlink),
      identity: identityOf(stats),
    })
  }
  return entries.sort((a, b) => comparePaths(a.path, b.path))
}

const unseen = { kind: 'undecodable', size: 0, mode: 0, uid: 0, gid: 0, mtimeNs: 0n, links: 1, identity: '' } as const

interface FoundPath {
  readonly path: string
  readonly isUndecodable: boolean
}

function* findPaths(root: string, claim: Claim, what: 'file' | 'derived'): Generator<FoundPath> {
  checkNoSymlink(root, claim.base)
  const matcher = claimMatcher(claim)
  const directories = ['']
  for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
    for (const entry of listDirectory(join(root, claim.base, directory))) {
      const path = joinPath(directory, entry.name)
      if (entry.isUndecodable === true) {
        // If it is a directory, the store's files may be in it
        if (matcher.belongingOf(path) === what || matcher.mayHold(path, what)) yield { path, isUndecodable: true }
      } else if (!entry.isDirectory()) {
        if (matcher.belongingOf(path) === what) yield { path, isUndecodable: false }
      } else if (matcher.mayHold(path, what)) {
        directories.push(path)
      } else if (entry.name === '.moult' && directory !== '') {
        throw nestedState(joinPath(claim.base, directory))
      }
    }
  }
}
