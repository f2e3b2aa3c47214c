import { fence } from './fence.js'
import type { Fence } from './fence.js'
import { dropFile, dropGate, releaseAll, sharedHold } from './hold.js'
import type { SharedHold } from './hold.js'
import type { LockDirectory } from './lock-directory.js'
import { identify } from './lock-file.js'
import { ownerOfThisRun, removeOwner, writeOwner } from './owner.js'
import { hasOpenHold } from './registry.js'
import type { Hold } from './registry.js'
import { refuse, takeFile } from './take.js'
import { waiting } from './waiting.js'
import type { Waiting } from './waiting.js'

/** Newcomers are kept out; those who have the state open still have it. Nobody else can be in a run. */
export interface ClosedGate {
  /**
   * Waits until nobody has the state open any more. In vain: lets everything go.
   *
   * @throws MoultError IN_USE naming the holders, at once if it is this process; INTERRUPTED; as `closeGate`.
   */
  takeUse(): Promise<ExclusiveHold>
  /** Keeps the state open instead: another process was quicker, and nothing is left to do. */
  downgradeToShared(): Promise<SharedHold>
  /** Safe to call twice. */
  release(): void
}

/** The one run on this state. */
export interface ExclusiveHold {
  readonly runId: string
  /** To be called before each commit: throws MoultError LOCK_LOST when the lock isn't certainly still ours. */
  readonly fence: Fence
  /** Ends the run and keeps the state open, with no moment in between in which another run could begin. */
  downgradeToShared(): Promise<SharedHold>
  /** Safe to call twice. */
  release(): void
}

/** Takes over a hold that has the gate exclusively, and names the run in `owner.json`. */
export function closedGate(directory: LockDirectory, held: Hold, time: Waiting): ClosedGate {
  const owner = ownerOfThisRun()
  writeOwner(directory.owner, owner)
  let isOver = false

  function refuseIfOver(): void {
    if (isOver) throw new TypeError('this hold is released')
  }

  function release(): void {
    if (!isOver) removeOwner(directory.owner, owner.runId)
    isOver = true
    releaseAll(held)
  }

  async function releaseUnless<T>(work: () => Promise<T>): Promise<T> {
    refuseIfOver()
    try {
      return await work()
    } catch (error) {
      release()
      throw error
    }
  }

  function downgradeToShared(): Promise<SharedHold> {
    return releaseUnless(async () => {
      dropFile(held, 'use')
      // The gate is still closed, so no other run can come in between
      held.use = await takeFile(directory, { file: 'use', mode: 'shared', refusal: 'LOCKED' }, waiting({}))
      removeOwner(directory.owner, owner.runId)
      isOver = true
      held.kind = 'opening'
      dropGate(held)
      return sharedHold(held)
    })
  }

  return {
    release,
    downgradeToShared,
    takeUse: () =>
      releaseUnless(async () => {
        refuseOwnHold(directory)
        held.use = await takeFile(directory, { file: 'use', mode: 'exclusive', refusal: 'IN_USE' }, time)
        const check = fence(directory, owner.runId, [held.gate!, held.use])
        return {
          runId: owner.runId,
          fence() {
            refuseIfOver()
            check()
          },
          downgradeToShared,
          release,
        }
      }),
  }
}

/** @throws MoultError IN_USE when this thread has the state open: it would wait for itself. */
export function refuseOwnHold(directory: LockDirectory): void {
  if (hasOpenHold(directory.root, identify(directory.use))) throw refuse(directory, 'IN_USE', 'this process', 0)
}
