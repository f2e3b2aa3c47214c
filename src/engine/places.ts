import { join, resolve, sep } from 'node:path'
import { disk } from '../disk/disk.js'
import { claimFiles } from '../model/claims.js'
import { MoultFailure, systemCode } from '../model/errors.js'
import type { StateSpec } from '../model/state.js'
import type { Place } from '../model/store.js'

/** A state in its directory: where everything is. */
export interface Scene {
  readonly spec: StateSpec
  /** Real, absolute path; the root itself may not exist yet. */
  readonly root: string
  /** Absolute path of `.moult`. */
  readonly home: string
  /** Absolute path of `.moult/run`: it exists only while a run is unfinished. */
  readonly runFolder: string
  readonly places: readonly Place[]
  /** `stepKey`s of steps whose edits the caller accepts. */
  readonly accepts: ReadonlySet<string>
}

/** Finds the real paths of a state, and refuses stores that lie outside of its root through a symlink. */
export function setScene(spec: StateSpec, accepts: ReadonlySet<string> = new Set()): Scene {
  if (spec.root === null)
    throw new TypeError(`the state of ${spec.app} has no root; say where it is: state.in('/path')`)
  const root = realPath(resolve(spec.root))
  checkRoot(root)
  const claims = claimFiles(spec.stores)
  const owners = new Map<string, string>()
  const places = spec.stores.map((store): Place => {
    const claim = claims.get(store.name)
    if (!claim) throw new TypeError(`store '${store.name}' has no claim`)
    const path = join(root, store['~store'].path)
    const place: Place = {
      spec: store['~store'],
      tracks: spec.tracks.filter((track) => track.owner === store.name).map((track) => track['~lane']),
      root,
      path,
      claim,
    }
    const real = realPath(path)
    checkInside(place, real)
    checkDistinct(place, real, owners)
    return place
  })
  const home = join(root, '.moult')
  return { spec, root, home, runFolder: join(home, 'run'), places, accepts }
}

/** The real path of a path whose last parts may not exist yet. Something else than a directory on the way ends it. */
function realPath(path: string): string {
  try {
    return disk.realpath(path)
  } catch (error) {
    const code = systemCode(error)
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw unreachable(path, error)
    const cut = path.lastIndexOf(sep)
    return cut <= 0 ? path : join(realPath(path.slice(0, cut)), path.slice(cut + 1))
  }
}

function unreachable(path: string, cause: unknown): unknown {
  const code = systemCode(cause)
  if (code === 'EACCES' || code === 'EPERM') {
    return new MoultFailure('NO_PERMISSION', {
      message: `${path} cannot be reached by this user. Nothing was changed.`,
      hint: 'Start the program as the user that the state belongs to.',
      details: { path },
      cause,
    })
  }
  if (!/^E[A-Z0-9]+$/.test(code)) return cause
  return new MoultFailure('STORE_UNREADABLE', {
    message: `${path} leads nowhere (${code}). Nothing was changed.`,
    hint: 'Look at the path and at the symlinks on it, and start again.',
    details: { path },
    cause,
  })
}

/** Whether a path, every symlink on it followed, stays below the state's real root. */
export function isInside(root: string, path: string): boolean {
  return isBelow(root, realPath(path))
}

function isBelow(root: string, real: string): boolean {
  return real === root || real.startsWith(root === sep ? root : root + sep)
}

function checkRoot(root: string): void {
  try {
    if (disk.stat(root).isDirectory()) return
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return
    if (systemCode(error) !== 'ENOTDIR') throw unreachable(root, error)
  }
  throw new MoultFailure('STORE_UNREADABLE', {
    message: `The state's root ${root} is not a directory, or lies below a file. Nothing was changed.`,
    hint: 'Move that file away, or keep the state somewhere else.',
    details: { path: root },
  })
}

function checkInside({ spec, root }: Place, real: string): void {
  if (isBelow(root, real)) return
  throw new MoultFailure('OUTSIDE_ROOT', {
    message: `The store '${spec.name}' (${spec.path}) leads out of the state's root ${root}, to ${real}. Nothing was changed.`,
    hint: 'Move it into the root, or make a state of its own for that directory.',
    details: { store: spec.name, path: real },
  })
}

/** Two names of one file, through a symlink or a file system that folds case, which no definition shows. */
function checkDistinct({ spec }: Place, real: string, owners: Map<string, string>): void {
  if (spec.extent.is === 'directory') return
  const other = owners.get(real)
  owners.set(real, spec.name)
  if (other === undefined) return
  throw new MoultFailure('CLAIMED_TWICE', {
    message: `The stores '${other}' and '${spec.name}' are the same file, ${real}. Nothing was changed.`,
    hint: 'Remove the symlink, or one of the two stores.',
    details: { store: spec.name, path: real },
  })
}

/** Whether there is anything at a path. Throws `NO_PERMISSION` where this user may not even look. */
export function exists(path: string): boolean {
  try {
    disk.lstat(path)
    return true
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(systemCode(error))) return false
    throw unreachable(path, error)
  }
}
