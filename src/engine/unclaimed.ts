import { join } from 'node:path'
import { disk } from '../disk/disk.js'
import { walkClaim } from '../disk/walk.js'
import { joinPath } from '../model/claims.js'
import { systemCode } from '../model/errors.js'
import { isReservedName } from '../model/reserved-name.js'
import type { Scene } from './places.js'

/** Files in the root that belong to no store, nor to moult, with `/`, relative to it. */
export async function findUnclaimed(scene: Scene): Promise<readonly string[]> {
  const claimed = new Set<string>()
  for (const { spec, claim, root } of scene.places) {
    const { extent, path } = spec
    if (extent.is === 'database') for (const suffix of ['', ...extent.sidecars]) claimed.add(path + suffix)
    else {
      claimed.add(joinPath(claim.base, claim.marker))
      for (const entry of await walkClaim(root, claim)) claimed.add(joinPath(claim.base, entry.path))
    }
  }
  return listFiles(scene.root, '').filter((path) => !claimed.has(path))
}

function listFiles(root: string, folder: string): string[] {
  let entries
  try {
    entries = disk.readdir(join(root, folder))
  } catch (error) {
    if (['ENOENT', 'EACCES'].includes(systemCode(error))) return []
    throw error
  }
  return entries
    .filter(({ name }) => (name === '.moult' ? folder !== '' : !isReservedName(name)))
    .flatMap((entry) =>
      entry.isDirectory() ? listFiles(root, joinPath(folder, entry.name)) : [joinPath(folder, entry.name)],
    )
    .sort()
}
