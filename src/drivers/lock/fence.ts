import { MoultFailure } from '../../model/errors.js'
import { findOwnLocks, isListed } from './kernel-locks.js'
import type { LockDirectory } from './lock-directory.js'
import { identify } from './lock-file.js'
import type { HeldFile } from './lock-file.js'
import { readOwner } from './owner.js'

/** Looks at the lock again; throws MoultError LOCK_LOST when it isn't certainly still ours. */
export type Fence = () => void

/**
 * A kernel lock can be lost without a word: the directory is deleted and made anew, a network file system forgets,
 * or any code in this process closes a descriptor of the file (POSIX). The run's random id in `owner.json`, the files'
 * identities and, on Linux, the kernel's own list tell.
 */
export function fence(directory: LockDirectory, runId: string, held: readonly HeldFile[]): Fence {
  // In some containers the list doesn't show even our own: then it says nothing later either
  const identities = held.map(({ identity }) => identity)
  const listed = findOwnLocks(identities) ?? []
  return () => {
    const owner = readOwner(directory.owner)
    if (owner === null) throw lost(directory, `${directory.owner} is gone or cannot be read`)
    if (owner.runId !== runId) throw lost(directory, `${directory.owner} names another run`)
    for (const { path, identity } of held) {
      if (!isSame(path, identity)) throw lost(directory, `${path} was deleted, replaced or written to`)
    }
    if (!listed.every(isListed) && findOwnLocks(identities) === null)
      throw lost(directory, `something in this process closed its files`)
  }
}

function isSame(path: string, identity: string): boolean {
  try {
    return identify(path) === identity
  } catch {
    return false
  }
}

function lost({ root, path }: LockDirectory, reason: string): MoultFailure {
  return new MoultFailure('LOCK_LOST', {
    message: `the lock on ${root} was lost: ${reason}`,
    hint: 'Nothing more was committed. See that no program deletes, copies over or opens the files of the lock directory, and start again.',
    details: { path },
  })
}
