/**
 * How a step came to stand in a marker: it ran, it ran and left by `skip`, it stands for data that had its shape, or
 * somebody said so.
 */
export type Arrival = 'step' | 'skipped' | 'flat' | 'adopted' | 'stamped'

/** One applied step, as the data itself remembers it. */
export interface MarkerEntry {
  readonly track: string
  readonly place: number
  readonly name: string
  readonly checksum: string | null
  readonly additive: boolean
  readonly description: string | null
  /** Seconds since 1970. */
  readonly appliedAt: number
  readonly appVersion: string | null
  readonly arrival: Arrival
  /** The random id of the commit that this step shared with other stores, or null. */
  readonly commit: string | null
  /** Other stores that the step wrote. */
  readonly wrote: readonly string[]
  /** For people: why it was stamped, or which edit was accepted. */
  readonly note?: string
}

/** What a store remembers of a step of another store that wrote into it. */
export interface Touch {
  /** `store/step`. */
  readonly by: string
  readonly commit: string
}

/** A document that was left where it is because it cannot be brought forward. */
export interface LeftDocument {
  readonly file: string
  readonly reason: string
  /** The version that the document still has; only for documents that say none themselves. */
  readonly at?: number
  /** Others that it may have instead: it was written anew after it had been left. */
  readonly or?: readonly number[]
  /** What it looked like when it was left: once that differs, it is worth trying again. Read by its store only. */
  readonly seen?: string
}

/** What a store says of its own version. */
export interface Marker {
  readonly store: string
  /** In order of track and place. */
  readonly entries: readonly MarkerEntry[]
  readonly touches: readonly Touch[]
  readonly left: readonly LeftDocument[]
}

export function entriesOf(marker: Marker, track: string): readonly MarkerEntry[] {
  return marker.entries.filter((entry) => entry.track === track)
}

/** The lowest version that a program must know to use this data: the last step that is not additive. */
export function floorOf(entries: readonly MarkerEntry[]): number {
  return entries.findLast((entry) => !entry.additive)?.place ?? 0
}

/** The app version that wrote last. */
export function writerOf(entries: readonly MarkerEntry[]): string | null {
  return entries.at(-1)?.appVersion ?? null
}

/** A step's line in a marker, by where it stands. */
export function isSameEntry(one: MarkerEntry, other: MarkerEntry): boolean {
  return one.track === other.track && one.place === other.place
}

/** Whether places run from 1 without a gap in each track; a marker where they do not was not written by moult. */
export function hasGaps(marker: Marker): boolean {
  const next = new Map<string, number>()
  for (const { track, place } of marker.entries) {
    if (place !== (next.get(track) ?? 1)) return true
    next.set(track, place + 1)
  }
  return false
}
