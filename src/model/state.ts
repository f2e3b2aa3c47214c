import type { AnyTrack } from './definition.js'
import type { ChosenDriver } from './driver.js'
import type { NewerPolicy } from './policy.js'
import type { Store } from './store.js'

/** A state as it was defined: what the engine works from. */
export interface StateSpec {
  readonly app: string
  readonly appVersion: string | null
  /** As given; null until `in(root)`. */
  readonly root: string | null
  readonly stores: readonly Store[]
  readonly tracks: readonly AnyTrack[]
  readonly driver: ChosenDriver | null
  readonly onNewer: NewerPolicy
  readonly keepBackups: number
  readonly requireChecksums: boolean
}
