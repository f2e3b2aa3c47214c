import type { Driver } from '../../model/driver.js'
import { lockDriver } from '../choose-driver.js'
import type { HeldFile } from './lock-file.js'

/** `opening`: still at the gate. `open`: an app has the state open. `reading`: verify, backup, dry run. `run`: exclusive. */
export type HoldKind = 'opening' | 'open' | 'reading' | 'run'

/** What one caller in this thread holds. Plain data: another copy of moult may read it. */
export interface Hold {
  readonly root: string
  kind: HoldKind
  gate: HeldFile | null
  use: HeldFile | null
  work: HeldFile | null
}

interface Registry {
  readonly driver: Driver
  readonly holds: Set<Hold>
}

const key = Symbol.for('moult.lock/1')

/**
 * All holds of this thread, kept strongly: a connection that is garbage-collected lets go of its lock. Two copies of
 * moult in one process share it and, with it, the library that opens lock files: if two libraries opened the same
 * file, the first to close it would drop the other's locks.
 */
export function registry(): Registry {
  const home = globalThis as { [key]?: Registry }
  return (home[key] ??= { driver: lockDriver(), holds: new Set() })
}

/** Whether this thread has the state open itself, so that waiting for `use` would be waiting for oneself. */
export function hasOpenHold(root: string, useIdentity: string | null): boolean {
  for (const hold of registry().holds)
    if (hold.kind === 'open' && (hold.root === root || hold.use?.identity === useIdentity)) return true
  return false
}
