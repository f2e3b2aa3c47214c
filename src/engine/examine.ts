import { digestSource } from '../disk/digest.js'
import { findDisagreement } from '../model/agreement.js'
import { decideStore } from '../model/decide.js'
import type { NewerPolicy } from '../model/policy.js'
import type { Found, Place } from '../model/store.js'
import type { Refusal, Verdict } from '../model/verdict.js'
import { exists } from './places.js'
import type { Scene } from './places.js'

/** What is the matter with a state, store by store. */
export interface Examination {
  readonly verdicts: readonly Verdict[]
  /** A run was cut off: whatever the markers say, it has to be finished or undone first. */
  readonly unfinished: boolean
  /** Why nothing may be done to this state, or with it. */
  readonly refusals: readonly Refusal[]
}

/**
 * Looks at every store before anything is done to one of them (G2). Reads markers and, where there are none, whether
 * there is data; writes nothing, loads no driver. Without the lock it is a hint: another process may be in mid-run.
 */
export async function examineState(scene: Scene, onNewer: NewerPolicy | null = null): Promise<Examination> {
  const unfinished = exists(scene.runFolder)
  const verdicts: Verdict[] = []
  for (const place of scene.places) {
    const found = await place.spec.code.examine(place)
    verdicts.push(
      decideStore({
        spec: place.spec,
        tracks: place.tracks,
        found,
        hadMarker: await hadMarker(scene, place, found),
        onNewer: onNewer ?? place.spec.onNewer ?? scene.spec.onNewer,
        program: scene.spec,
        digest: digestSource,
        accepts: scene.accepts,
      }),
    )
  }
  const refusals = await nameWayBack(
    scene,
    verdicts.flatMap((verdict) => verdict.refusal ?? []),
  )
  const disagreement = findDisagreement(verdicts)
  return { verdicts, unfinished, refusals: disagreement ? [...refusals, disagreement] : refusals }
}

/** Whoever went back to an older program may go back with the data, too. */
async function nameWayBack(scene: Scene, refusals: readonly Refusal[]): Promise<readonly Refusal[]> {
  if (!refusals.some(({ code }) => code === 'STORE_NEWER')) return refusals
  const { findUsableBackup } = await import('../backup/usable-backup.js')
  const backup = findUsableBackup(scene)
  if (backup === null) return refusals
  const way = ` Or restore the backup ${backup.id}, of ${backup.createdAt}: this program can work with it.`
  return refusals.map((refusal) =>
    refusal.code === 'STORE_NEWER' ? { ...refusal, hint: refusal.hint + way } : refusal,
  )
}

/** The history is only asked where no marker was found: losing it loosens nothing else. */
async function hadMarker(scene: Scene, { spec }: Place, found: Found): Promise<boolean> {
  if (found.is !== 'data' && found.is !== 'nothing') return false
  const { storesInHistory } = await import('./history.js')
  return storesInHistory(scene).has(spec.name)
}
