import { nameProcess, pidsHolding } from './kernel-locks.js'
import { identify } from './lock-file.js'
import type { LockDirectory } from './lock-directory.js'
import { nameOwner } from './owner.js'

const shownHolders = 3

/** Who holds a lock file, in words, for messages; null if that can't be found out. Never throws. */
export function nameHolders(directory: LockDirectory, path: string): string | null {
  try {
    const identity = identify(path)
    const pids = identity === null ? null : pidsHolding(identity)
    if (pids === null || pids.length === 0) return nameOwner(directory.owner)
    const names = pids.slice(0, shownHolders).map((pid) => (pid === process.pid ? 'this process' : nameProcess(pid)))
    const more = pids.length - names.length
    return more > 0 ? `${names.join(', ')} and ${more} more` : names.join(', ')
  } catch {
    return null
  }
}
