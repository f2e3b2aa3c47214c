import { disk } from '../disk/disk.js'
import { isMoultError } from '../model/errors.js'
import { closedGate, refuseOwnHold } from './lock/closed-gate.js'
import type { ClosedGate, ExclusiveHold } from './lock/closed-gate.js'
import { dropGate, hold, sharedHold, unlocked } from './lock/hold.js'
import type { SharedHold } from './lock/hold.js'
import { lockDirectory, lockFilesExist, makeLockDirectory } from './lock/lock-directory.js'
import type { LockDirectory } from './lock/lock-directory.js'
import type { HoldKind } from './lock/registry.js'
import { takeFile } from './lock/take.js'
import { waiting } from './lock/waiting.js'
import type { WaitOptions } from './lock/waiting.js'

export type { ClosedGate, ExclusiveHold } from './lock/closed-gate.js'
export type { SharedHold } from './lock/hold.js'
export { lockFilesExist } from './lock/lock-directory.js'
export type { WaitOptions } from './lock/waiting.js'

export interface ShareOptions extends WaitOptions {
  /** Make `.moult/lock/` if it isn't there. Without it, a state that was never locked is held unlocked. */
  readonly create?: boolean
  /** Open the lock files for reading only and make nothing. */
  readonly readOnly?: boolean
}

/**
 * Holds a state for `open()`: gate shared, then use shared. Examine, then `dropGate()` and go on, or `release()`.
 * Whoever comes while a run is under way waits for it. A crash lets go of everything.
 *
 * @throws MoultError LOCKED when a run lasts longer than `waitMs`; INTERRUPTED; DAMAGED, NO_PERMISSION, NO_SPACE,
 * DISK_FAILED when the lock files cannot be made or used.
 */
export function holdShared(root: string, options: ShareOptions = {}): Promise<SharedHold> {
  return share(root, 'opening', options)
}

/** Holds a state for verify, backup and dry run: beside those who have it open, never beside a run. As `holdShared`. */
export async function holdUse(root: string, options: ShareOptions = {}): Promise<SharedHold> {
  const held = await share(root, 'reading', options)
  held.dropGate()
  return held
}

/**
 * Holds a state for work beside the app that only one process may do: prune, backfills. Makes the lock files.
 *
 * @throws MoultError as `holdShared`; LOCKED also when another process does such work.
 */
export async function holdWork(root: string, options: WaitOptions = {}): Promise<SharedHold> {
  const directory = prepare(root)
  const time = waiting(options)
  return hold(directory, 'reading', async (held) => {
    held.gate = await takeFile(directory, { file: 'gate', mode: 'shared', refusal: 'LOCKED' }, time)
    held.use = await takeFile(directory, { file: 'use', mode: 'shared', refusal: 'LOCKED' }, time)
    dropGate(held)
    held.work = await takeFile(directory, { file: 'work', mode: 'exclusive', refusal: 'LOCKED' }, time)
    return sharedHold(held)
  })
}

/**
 * Closes the gate to a state for a run: examine again, then `takeUse()`, or `downgradeToShared()` if another process
 * did the work meanwhile and now has the state open: waiting for that one would be waiting for nothing. Makes the lock
 * files, and names the run in `owner.json`. A crash lets go of everything.
 *
 * @throws MoultError LOCKED when another run, or programs just starting, keep the gate longer than `waitMs`, which is
 * for both waits together; INTERRUPTED; DAMAGED, READ_ONLY, NO_PERMISSION, NO_SPACE, DISK_FAILED when the lock files
 * cannot be made or used.
 */
export async function closeGate(root: string, options: WaitOptions = {}): Promise<ClosedGate> {
  const directory = prepare(root)
  const time = waiting(options)
  return hold(directory, 'run', async (held) => {
    held.gate = await takeFile(directory, { file: 'gate', mode: 'exclusive', refusal: 'LOCKED' }, time)
    return closedGate(directory, held, time)
  })
}

/**
 * Holds a state for a run: closes the gate and takes `use`.
 *
 * @throws MoultError as `closeGate` and `takeUse`; IN_USE before any waiting when this process has the state open.
 */
export async function holdExclusive(root: string, options: WaitOptions = {}): Promise<ExclusiveHold> {
  refuseOwnHold(prepare(root))
  return (await closeGate(root, options)).takeUse()
}

async function share(root: string, kind: HoldKind, options: ShareOptions): Promise<SharedHold> {
  const { create = false, readOnly = false } = options
  if (!lockFilesExist(root) && (readOnly || !create)) return unlocked
  const time = waiting(options)
  try {
    const directory = prepare(root)
    return await hold(directory, kind, async (held) => {
      held.gate = await takeFile(directory, { file: 'gate', mode: 'shared', readOnly, refusal: 'LOCKED' }, time)
      held.use = await takeFile(directory, { file: 'use', mode: 'shared', readOnly, refusal: 'LOCKED' }, time)
      return sharedHold(held)
    })
  } catch (error) {
    // Nobody can change a state on a read-only file system, so there is nothing to keep out
    if (isMoultError(error, 'READ_ONLY') && !lockFilesExist(root)) return unlocked
    throw error
  }
}

function prepare(root: string): LockDirectory {
  makeLockDirectory(lockDirectory(root))
  return lockDirectory(disk.realpath(root))
}
