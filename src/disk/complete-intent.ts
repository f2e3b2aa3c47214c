import type { BigIntStats } from 'node:fs'
import { join } from 'node:path'
import { disk } from './disk.js'
import { changedFile, fileError, unsupportedFile } from './failures.js'
import { lstatIfAny } from './identity.js'
import type { Decider, DirectoryState, In, Intent, MadeDirectory, Out } from './intent.js'
import { ancestorsOf, comparePaths, joinPath, parentOf } from './relative-path.js'
import { listDirectory } from './walk.js'

export interface IntentParts {
  readonly root: string
  readonly number: number
  readonly decider: Decider | null
  readonly stagings: readonly string[]
  readonly outs: readonly Out[]
  readonly ins: readonly In[]
  /** Paths that had a file, relative to the base of their store: directories between the two go when they are empty. */
  readonly left: readonly { readonly base: string; readonly path: string }[]
}

/** Adds to files that leave and files that come what this means for directories. Changes nothing. */
export function completeIntent({ root, number, decider, stagings, outs, ins, left }: IntentParts): Intent {
  const leaving = new Set(outs.map((out) => out.path))
  const removed = findEmptied({ root, left, leaving, ins })
  const made = findMade(root, ins, leaving)
  const touchedPaths = new Set([
    ...outs.map((out) => parentOf(out.path)),
    ...removed.map((state) => parentOf(state.path)),
    ...made.map((directory) => parentOf(directory.path)),
  ])
  const touched: DirectoryState[] = []
  for (const path of touchedPaths) {
    const stats = lstatIfAny(join(root, path))
    if (stats?.isDirectory() === true) touched.push(stateOf(path, stats))
  }
  return {
    number,
    decider,
    stagings,
    outs,
    removed: removed.sort((a, b) => comparePaths(b.path, a.path)),
    made: made.sort((a, b) => comparePaths(a.path, b.path)),
    touched,
    ins,
  }
}

interface EmptiedRequest {
  readonly root: string
  readonly left: IntentParts['left']
  readonly leaving: ReadonlySet<string>
  readonly ins: readonly In[]
}

/** The directories below the stores' bases that hold nothing once all has left, and those that a file replaces. */
function findEmptied({ root, left, leaving, ins }: EmptiedRequest): DirectoryState[] {
  const arriving = new Set(ins.map((arrival) => arrival.path))
  const needed = new Set<string>()
  for (const path of arriving) for (const directory of ancestorsOf(path)) needed.add(directory)
  const candidates = new Set<string>()
  for (const { base, path } of left) {
    for (const directory of ancestorsOf(path)) candidates.add(joinPath(base, directory))
  }
  const emptied = new Map<string, DirectoryState | null>()
  const findOut = (path: string, isReplaced: boolean): boolean => {
    if (emptied.has(path)) return emptied.get(path) !== null
    emptied.set(path, null)
    if (needed.has(path)) return false
    const stats = lstatIfAny(join(root, path))
    if (stats === null || !stats.isDirectory()) return false
    for (const entry of listDirectory(join(root, path))) {
      const below = joinPath(path, entry.name)
      if (entry.isDirectory()) {
        if (!isReplaced && !candidates.has(below)) return false
        if (!findOut(below, isReplaced)) return false
      } else if (!leaving.has(below) || arriving.has(below)) {
        return false
      }
    }
    emptied.set(path, stateOf(path, stats))
    return true
  }
  for (const { path, replaces } of ins) {
    if (replaces !== null) continue
    const stats = lstatIfAny(join(root, path))
    if (stats?.isDirectory() === true && !findOut(path, true)) throw changedFile(path, 'got files')
  }
  for (const path of candidates) findOut(path, false)
  return [...emptied.values()].filter((state) => state !== null)
}

function findMade(root: string, ins: readonly In[], leaving: ReadonlySet<string>): MadeDirectory[] {
  const made = new Map<string, MadeDirectory | null>()
  /** The nearest directory that exists decides mode and owner. */
  const find = (path: string): MadeDirectory | BigIntStats => {
    const known = made.get(path)
    if (known) return known
    const stats = path === '' ? disk.stat(root) : lstatIfAny(join(root, path))
    if (stats?.isDirectory() === true) {
      made.set(path, null)
      return stats
    }
    if (stats?.isSymbolicLink() === true) throw unsupportedFile(path, 'a symlink')
    if (stats !== null && !leaving.has(path)) throw fileError('ENOTDIR', path, 'is a file')
    const parent = find(parentOf(path))
    const isPrivate = parent.mode !== null && (Number(parent.mode) & 0o077) === 0
    const directory = { path, mode: isPrivate ? 0o700 : null, uid: Number(parent.uid), gid: Number(parent.gid) }
    made.set(path, directory)
    return directory
  }
  for (const { path } of ins) if (!made.has(parentOf(path))) find(parentOf(path))
  return [...made.values()].filter((directory) => directory !== null)
}

function stateOf(path: string, stats: BigIntStats): DirectoryState {
  const { uid, gid, mode, atimeNs, mtimeNs } = stats
  return { path, mode: Number(mode) & 0o7777, uid: Number(uid), gid: Number(gid), atimeNs, mtimeNs }
}
