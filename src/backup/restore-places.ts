import { join } from 'node:path'
import { disk } from '../disk/disk.js'
import { isAbsent } from '../disk/identity.js'
import { MoultFailure } from '../model/errors.js'
import type { BackedUpStore, Manifest } from '../model/manifest.js'
import { emptyLane } from '../model/step.js'
import type { Extent, Place, StoreCode, StoreSpec } from '../model/store.js'
import { isInside } from '../engine/places.js'
import type { Scene } from '../engine/places.js'

/**
 * The state as a backup describes it: every store of the manifest, also those that this program does not define, and
 * beside them the program's others, which a restore leaves alone. What is there under either description of a store
 * belongs to it.
 */
export function restoreScene(scene: Scene, manifest: Manifest): Scene {
  const theirs = manifest.stores.map((store) => placeOf(scene, store))
  const names = new Set(manifest.stores.map(({ name }) => name))
  const paths = new Set(manifest.stores.map(({ path }) => path))
  const others = scene.places.filter(({ spec }) => !names.has(spec.name) && !paths.has(spec.path))
  return { ...scene, places: [...theirs, ...others] }
}

function placeOf(scene: Scene, store: BackedUpStore): Place {
  const { root } = scene
  const path = join(root, store.path)
  checkPlace(root, store, path)
  const known = scene.places.find(({ spec }) => spec.name === store.name)
  const isSameKind = (known?.spec.extent.is === 'database') === (store.database !== null)
  const spec = known !== undefined && isSameKind ? { ...known.spec, path: store.path } : describe(store)
  return { spec, tracks: [], root, path, claim: store.claim }
}

/** A manifest may come from anybody, and links in the root from anybody too. */
function checkPlace(root: string, store: BackedUpStore, path: string): void {
  if (isInside(root, path) && (store.path === '' || isPlain(root, store.path))) return
  throw new MoultFailure('OUTSIDE_ROOT', {
    message: `The store '${store.name}' of this backup lies behind a symlink (${store.path}). Nothing was changed.`,
    hint: 'Remove the symlink, and restore again.',
    details: { store: store.name, path },
  })
}

function isPlain(root: string, path: string): boolean {
  try {
    return disk.realpath(join(root, path)) === join(root, path)
  } catch (error) {
    if (!isAbsent(error)) throw error
    const parent = path.slice(0, Math.max(0, path.lastIndexOf('/')))
    return parent === '' || isPlain(root, parent)
  }
}

function describe(store: BackedUpStore): StoreSpec {
  const { files, ignore, derived, marker } = store.claim
  const extent: Extent =
    store.database === null
      ? { is: 'directory', files, ignore, derived, marker }
      : { is: 'database', sidecars: store.database.sidecars }
  return {
    name: store.name,
    kind: store.kind,
    path: store.path,
    extent,
    lane: emptyLane(store.name, ''),
    flat: null,
    adopt: null,
    describesItself: false,
    hasChecksums: false,
    onNewer: null,
    decides: false,
    servesPast: () => false,
    code: unknownCode,
    own: null,
  }
}

/** A store that this program does not define: nothing is known of it but its files. */
const unknownCode: StoreCode = {
  examine: async () => ({ is: 'nothing', exists: true }),
  begin: async () => {
    throw new TypeError('a store that is not defined has no steps')
  },
  verify: async () => [],
}
