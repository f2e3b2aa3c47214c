import type { ErrorCode } from './errors.js'
import type { Marker, MarkerEntry } from './marker.js'
import type { NewerPolicy } from './policy.js'
import type { Status } from './report.js'
import type { Digest, Lane } from './step.js'
import type { Found, StoreSpec } from './store.js'

export interface LaneVerdict {
  readonly lane: Lane
  readonly status: 'current' | 'behind' | 'newer' | 'too-old' | 'diverged' | 'edited'
  readonly version: number
  readonly floor: number
  readonly entries: readonly MarkerEntry[]
  /** The first place that differs, for `diverged` and `edited`. */
  readonly at: number | null
  /** Places of steps that were edited after they had been applied, and that nobody accepts. */
  readonly edited: readonly number[]
  /** Places of edited steps that the caller accepts: their checksums are still to be replaced. */
  readonly accepted: readonly number[]
}

export interface Refusal {
  readonly store: string | null
  readonly code: ErrorCode
  readonly message: string
  readonly hint: string
  readonly details: object
}

/** What is the matter with one store: pure, from what an examination found. */
export interface Verdict {
  readonly spec: StoreSpec
  readonly status: Status
  /** The store's own list of steps first, then the tracks that this program defines. */
  readonly lanes: readonly LaneVerdict[]
  readonly marker: Marker | null
  /** Documents that were left at this version have changed since: the next upgrade tries them again. */
  readonly retry: boolean
  /** Its marker says nothing that can be believed, and is nobody else's. */
  readonly damaged: boolean
  /** Why an upgrade must not touch this state; null where the store can be handled. */
  readonly refusal: Refusal | null
}

export interface Judgement {
  readonly spec: StoreSpec
  readonly tracks: readonly Lane[]
  readonly found: Found
  /** `.moult/` shows that this store once had a marker. */
  readonly hadMarker: boolean
  readonly onNewer: NewerPolicy
  readonly program: Program
  readonly digest: Digest
  /** `stepKey`s of steps whose edits the caller accepts. */
  readonly accepts?: ReadonlySet<string>
}

/** Who is asking, for messages. */
export interface Program {
  readonly app: string
  readonly appVersion: string | null
}

export function mainLane(verdict: Verdict): LaneVerdict {
  const [main] = verdict.lanes
  if (!main) throw new TypeError(`store '${verdict.spec.name}' has no list of steps`)
  return main
}
