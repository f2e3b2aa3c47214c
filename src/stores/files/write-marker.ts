import type { Overlay } from '../../disk/overlay.js'
import { entriesOf, floorOf, isSameEntry } from '../../model/marker.js'
import type { LeftDocument, Marker, MarkerEntry, Touch } from '../../model/marker.js'
import { formatMarker } from '../../model/marker-file.js'

export interface MarkerAddition {
  readonly entries: readonly MarkerEntry[]
  readonly touches: readonly Touch[]
  /** Takes the place of what was left before, if given. */
  readonly left?: readonly LeftDocument[]
}

/** A store's first marker, before anything stands in it. */
export function emptyMarker(store: string): Marker {
  return { store, entries: [], touches: [], left: [] }
}

/**
 * Writes the marker that the overlay's commit puts in place with the data, and returns it. What stood in it stays, also
 * steps that this program does not know; an entry for the same place and a touch by the same step are replaced.
 */
export function writeMarkerInto(overlay: Overlay, before: Marker, addition: MarkerAddition): Marker {
  return replaceMarkerIn(overlay, {
    store: before.store,
    entries: addEntries(before.entries, addition.entries),
    touches: [
      ...before.touches.filter(({ by }) => !addition.touches.some((touch) => touch.by === by)),
      ...addition.touches,
    ],
    left: addition.left ?? before.left,
  })
}

/** Writes the marker whole, to be put in place by the overlay's commit, and returns it. */
export function replaceMarkerIn(overlay: Overlay, marker: Marker): Marker {
  const main = entriesOf(marker, '')
  overlay.writeMarker(Buffer.from(formatMarker(marker, main.length, floorOf(main))))
  return marker
}

/** Writes the marker without what steps that are undone had written there, and returns it. */
export function unwriteMarkerIn(
  overlay: Overlay,
  before: Marker,
  removal: { readonly entries: readonly MarkerEntry[]; readonly touches: readonly Touch[] },
): Marker {
  const marker: Marker = {
    ...before,
    entries: before.entries.filter((entry) => !removal.entries.some((gone) => isSameEntry(gone, entry))),
    touches: before.touches.filter(
      ({ by, commit }) => !removal.touches.some((gone) => gone.by === by && gone.commit === commit),
    ),
  }
  return writeMarkerInto(overlay, marker, { entries: [], touches: [] })
}

function addEntries(before: readonly MarkerEntry[], added: readonly MarkerEntry[]): readonly MarkerEntry[] {
  const kept = before.filter((entry) => !added.some((each) => isSameEntry(each, entry)))
  return [...kept, ...added].sort((a, b) => (a.track === b.track ? a.place - b.place : a.track < b.track ? -1 : 1))
}
