import type { SharedHold } from '../drivers/lock.js'

/** The lock of a run, or, when there turned out to be nothing to run, of a program that has the state open. */
export interface RunLock {
  readonly isExclusive: boolean
  /** False on a read-only file system without lock files. */
  readonly locked: boolean
  readonly runId: string
  fence(): void
  /** Ends the run and keeps the state open, without a gap in which another run could begin. */
  keepOpen(): Promise<SharedHold>
  release(): void
}
