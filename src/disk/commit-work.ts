import { join } from 'node:path'
import { damaged } from './failures.js'
import type { In, Intent, Out } from './intent.js'

/** One commit on its way: where it happens and how to make the last room there is. */
export interface CommitWork {
  readonly root: string
  readonly intent: Intent
  /** Absolute: `.moult/run`. */
  readonly runFolder: string
  /** Throws `LOCK_LOST`: asked now and then while what is done can be undone, by another run too if it has the lock. */
  readonly fence?: () => void
  /** Told of each file that phase two found changed and put aside; both relative to the root. */
  readonly onKept?: (path: string, kept: string) => void
}

/** Where coming content waits. */
export function sourceOf(work: CommitWork, arrival: In): string {
  return join(stagingFolder(work, arrival.staging), arrival.from, String(arrival.number))
}

/** Where a leaving file waits. */
export function outPath(work: CommitWork, out: Out): string {
  return join(outFolder(work, out.staging), String(out.number))
}

export function outFolder(work: CommitWork, staging: number): string {
  return join(stagingFolder(work, staging), 'out')
}

export function stagingFolder({ root, intent }: Pick<CommitWork, 'root' | 'intent'>, staging: number): string {
  const path = intent.stagings[staging]
  if (path === undefined) throw damaged(root, `has no staging folder ${staging}`)
  return join(root, path)
}
