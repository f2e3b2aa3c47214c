import { walkClaim } from '../disk/walk.js'
import { joinPath } from '../model/claims.js'
import type { Place } from '../model/store.js'
import type { Refusal } from '../model/verdict.js'
import type { Scene } from './places.js'

/**
 * Patterns of two stores in one directory can match the same file, which no definition shows. Such a file would be
 * changed by both: it is refused before a run.
 */
export async function refuseSharedFiles(scene: Scene): Promise<readonly Refusal[]> {
  const refusals: Refusal[] = []
  for (const places of sharedDirectories(scene.places)) {
    const owners = new Map<string, string>()
    for (const { spec, claim, root } of places) {
      for (const { path } of await walkClaim(root, claim)) {
        const other = owners.get(path)
        if (other !== undefined) refusals.push(claimedTwice(other, spec.name, joinPath(claim.base, path)))
        owners.set(path, spec.name)
      }
    }
  }
  return refusals
}

function sharedDirectories(places: readonly Place[]): readonly Place[][] {
  const byBase = new Map<string, Place[]>()
  for (const place of places) {
    if (place.spec.extent.is !== 'directory') continue
    const list = byBase.get(place.claim.base) ?? []
    byBase.set(place.claim.base, [...list, place])
  }
  return [...byBase.values()].filter((list) => list.length > 1)
}

function claimedTwice(one: string, other: string, path: string): Refusal {
  return {
    store: other,
    code: 'CLAIMED_TWICE',
    message: `The stores '${one}' and '${other}' both claim ${path}. Nothing was changed.`,
    hint: 'Give one of them narrower `files`, or list the file in its `ignore`.',
    details: { store: other, path },
  }
}
