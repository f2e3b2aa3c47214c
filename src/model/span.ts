import type { LaneVerdict, Verdict } from './verdict.js'

/** What is to be done in one list of steps: from `from` (exclusive) to `to`. */
export interface Span {
  readonly verdict: Verdict
  readonly lane: LaneVerdict
  /** The place at which this plan finds the store, or leaves it by a start or a flat schema. */
  readonly from: number
  readonly to: number
}

export function stepKey(store: string, track: string, place: number): string {
  return `${store}/${track}@${place}`
}

export function startKey(store: string): string {
  return `${store}!`
}
