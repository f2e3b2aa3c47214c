import type { Marker, MarkerEntry, Touch } from './marker.js'

/** What a stamp writes into one store's marker. */
export interface Stamp {
  /** Lists of steps that are stamped, and the place each is said to be at. */
  readonly lanes: readonly { readonly track: string; readonly place: number; readonly name: string | null }[]
  /** New entries; those that the marker has already stay. */
  readonly entries: readonly MarkerEntry[]
  /** What other stores say that their steps wrote here. */
  readonly touches: readonly Touch[]
  readonly reason: string
}

/** The marker as the stamp leaves it. Lists of steps that are not named stay as they are, unknown ones too. */
export function stampInto(marker: Marker, { lanes, entries, touches }: Stamp): Marker {
  const isReplaced = (entry: MarkerEntry): boolean =>
    lanes.some(({ track, place }) => track === entry.track && entry.place > place) ||
    entries.some(({ track, place }) => track === entry.track && place === entry.place)
  return {
    ...marker,
    entries: [...marker.entries.filter((entry) => !isReplaced(entry)), ...entries].sort((a, b) =>
      a.track === b.track ? a.place - b.place : a.track < b.track ? -1 : 1,
    ),
    touches: [...marker.touches.filter(({ by }) => !touches.some((touch) => touch.by === by)), ...touches],
  }
}
