import { openOverlay } from '../../disk/overlay.js'
import type { Overlay } from '../../disk/overlay.js'
import { openStaging } from '../../disk/staging.js'
import { MoultFailure } from '../../model/errors.js'
import type { Marker } from '../../model/marker.js'
import type { Place, RunScope } from '../../model/store.js'
import { readMarkerFile } from './read-marker.js'
import { emptyMarker } from './write-marker.js'

/**
 * Opens an overlay on a store of files for a run, under the lock. The marker is read again: the plan was made for
 * `expected`, and a program that takes no lock may have been here since.
 */
export async function beginFiles(
  place: Place,
  run: RunScope,
  expected: Marker | null,
): Promise<{ readonly overlay: Overlay; readonly marker: Marker }> {
  const found = readMarkerFile(place)
  if (found?.is === 'unreadable' && !(found.damaged === true && run.replacesMarker === true)) {
    throw new MoultFailure(found.code, {
      message: `The store '${place.spec.name}' cannot be read: ${found.reason}.`,
      hint: found.hint,
      details: { store: place.spec.name, path: place.spec.path },
    })
  }
  const marker = found?.is === 'marked' ? found.marker : null
  if (JSON.stringify(marker) !== JSON.stringify(expected)) {
    throw new MoultFailure('STORE_CHANGED', {
      message: `The marker of '${place.spec.name}' changed while the run was about to begin. Nothing was changed.`,
      hint: 'A program without moult, or one that does not take its lock, changed it. Start again.',
      details: { store: place.spec.name },
    })
  }
  const { root, spec, claim } = place
  const staging = await openStaging({ root, runFolder: run.runFolder, store: spec.name, base: spec.path })
  return { overlay: openOverlay({ root, claim, staging }), marker: marker ?? emptyMarker(spec.name) }
}
