import type { Connection, Driver } from '../../model/driver.js'
import type { Place } from '../../model/store.js'
import type { FindReplaced } from './same-file.js'
import type { Untouched } from './untouched.js'

/** A database that a run has opened. */
export interface OpenDatabase {
  readonly place: Place
  readonly connection: Connection
  readonly driver: Driver
  readonly path: string
  readonly untouched: Untouched
  readonly findReplaced: FindReplaced
  readonly waitMs: number
  readonly signal: AbortSignal
}
