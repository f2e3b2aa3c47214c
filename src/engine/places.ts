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
}

/** Finds the real paths of a state, and refuses stores that lie outside of its root through a symlink. */
export function setScene(spec: StateSpec): Scene {
  if (spec.root === null)
    throw new TypeError(`the state of ${spec.app} has no root; say where it is: state.in('/path')`)
  const root = realPath(resolve(spec.root))
  const claims = claimFiles(spec.stores)
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
    checkInside(place)
    return place
  })
  const home = join(root, '.moult')
  return { spec, root, home, runFolder: join(home, 'run'), places }
}

/** The real path of a path whose last parts may not exist yet. */
function realPath(path: string): string {
  try {
    return disk.realpath(path)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
    const cut = path.lastIndexOf(sep)
    return cut <= 0 ? path : join(realPath(path.slice(0, cut)), path.slice(cut + 1))
  }
}

function checkInside({ spec, root, path }: Place): void {
  const real = realPath(path)
  if (real === root || real.startsWith(root === sep ? root : root + sep)) return
  throw new MoultFailure('OUTSIDE_ROOT', {
    message: `The store '${spec.name}' (${spec.path}) leads out of the state's root ${root}, to ${real}. Nothing was changed.`,
    hint: 'Move it into the root, or make a state of its own for that directory.',
    details: { store: spec.name, path: real },
  })
}

export function exists(path: string): boolean {
  try {
    disk.lstat(path)
    return true
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error))) return false
    throw error
  }
}
