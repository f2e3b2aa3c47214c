import { findOwnNames } from '../disk/own-names.js'
import { joinPath } from '../disk/relative-path.js'
import type { Listener } from '../model/events.js'
import type { Scene } from './places.js'

/** After a recovery: what somebody wrote between the crash and now, where the cut-off commit brings content. */
export async function warnOfKept(scene: Scene, onEvent: Listener): Promise<void> {
  const kept = new Set<string>()
  for (const { claim } of scene.places) {
    // What cannot be listed is said by the examination
    const names = await findOwnNames(scene.root, claim).catch(() => [])
    for (const { path, is } of names) if (is === 'kept') kept.add(joinPath(claim.base, path))
  }
  for (const path of kept) onEvent({ type: 'warning', code: 'STORE_CHANGED', message: keptMessage(path) })
}

export function keptMessage(kept: string): string {
  return `Another program changed a file that the upgrade was about to replace; what it wrote is kept in ${kept}.`
}
