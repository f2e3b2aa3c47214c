import { randomInt } from 'node:crypto'
import { dirname, join, relative, sep } from 'node:path'
import { MoultFailure, systemCode } from '../model/errors.js'
import { disk } from './disk.js'
import { lstatIfAny } from './identity.js'
import { makeDirectory } from './make-directory.js'
import { nearestDirectory } from './new-file-ownership.js'
import { ancestorsOf, joinPath } from './relative-path.js'
import { isReachable } from './reach.js'
import { removeTree } from './remove-tree.js'

/** A folder for new content (`in/N`) and for what leaves (`out/N`), on the file system of the store it serves. */
export interface Staging {
  /** Absolute. */
  readonly folder: string
  /** Relative to the root, with `/`. */
  readonly path: string
  /** A number that nothing in this folder has had before, of this run or of another that took its place. */
  next(): number
}

export interface StagingRequest {
  /** The state's real path. */
  readonly root: string
  /** Absolute: `.moult/run`. Exists. */
  readonly runFolder: string
  /** The store's name. */
  readonly store: string
  /** The store's directory, relative to the root; it need not exist yet. */
  readonly base: string
}

/**
 * Makes an empty staging folder from which files can be renamed into the store, which is tried, not guessed from
 * device numbers (protocol 13): `.moult/run/<store>`, else one of `stagingPlaces`. What an earlier run left in it is deleted, so this comes after recovery and under the lock.
 * The mtimes of the directories above it are kept.
 */
export async function openStaging(request: StagingRequest): Promise<Staging> {
  const target = nearestDirectory(request.root, request.base)
  const places = stagingPlaces(request.store, request.base).map((path) => join(request.root, path))
  const candidates = [
    join(request.runFolder, encodeURIComponent(request.store)),
    ...places.filter((folder) => lstatIfAny(dirname(folder))?.isDirectory() === true),
  ]
  for (const folder of candidates) {
    if (await makeReachable(folder, target)) return stagingAt(request.root, folder)
  }
  throw new MoultFailure('DISK_FAILED', {
    message: `No folder was found from which files can be renamed into ${request.base === '' ? 'the root' : request.base}.`,
    hint: 'Put the store and the directory above it on one file system, or make the store writable for this user.',
    details: { store: request.store, path: request.base },
  })
}

/**
 * Where the staging folder of a store can stand if not in `.moult/run`, relative to the root, best first: beside the
 * store or beside a directory above it, and inside it. A run writes them down before it makes one.
 */
export function stagingPlaces(store: string, base: string): string[] {
  if (base === '') return ['.moult-run']
  const name = `.${encodeURIComponent(store)}.moult-run`
  return [...[...ancestorsOf(base), ''].map((directory) => joinPath(directory, name)), `${base}/.moult-run`]
}

/** Makes an empty staging folder, unless files cannot be renamed from it into `target`. */
async function makeReachable(folder: string, target: string): Promise<boolean> {
  const putTimesBack = keepTimes([dirname(folder)])
  try {
    await removeTree(folder)
    makeFolders(folder)
    if (isReachable(folder, target)) return true
    await removeTree(folder)
    return false
  } catch (error) {
    if (!['EACCES', 'EPERM', 'EROFS'].includes(systemCode(error))) throw error
    return false
  } finally {
    putTimesBack()
  }
}

/**
 * Where a run's numbers begin. Of two runs that both believe they have the lock, neither can name a file or a journal
 * of the other's. Up to 15 digits, so that half a billion numbers more are exact still.
 */
export function firstNumber(): number {
  return randomInt(2 ** 31) * 2 ** 18
}

function stagingAt(root: string, folder: string): Staging {
  let last = firstNumber() - 1
  return { folder, path: relative(root, folder).split(sep).join('/'), next: () => (last += 1) }
}

/** Content that is not yet, or no longer, the app's stays private whatever modes it has. */
function makeFolders(folder: string): void {
  makeDirectory(folder, { mode: 0o700 })
  makeDirectory(join(folder, 'in'), { mode: 0o700 })
  makeDirectory(join(folder, 'out'), { mode: 0o700 })
}

/** Remembers the times of directories; the answer puts them back, so that trying leaves no trace (G3, G7). */
export function keepTimes(directories: readonly string[]): () => void {
  const kept = [...new Set(directories)].map((path) => ({ path, before: lstatIfAny(path) }))
  return () => {
    for (const { path, before } of kept) {
      if (before === null || lstatIfAny(path)?.mtimeNs === before.mtimeNs) continue
      disk.setTimes(path, before.atimeNs, before.mtimeNs)
    }
  }
}
