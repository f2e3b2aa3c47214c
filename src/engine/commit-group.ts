import { commitFiles } from '../disk/commit-files.js'
import type { Overlay } from '../disk/overlay.js'
import { MoultFailure, isMoultError, systemCode } from '../model/errors.js'
import type { CommitGroup } from '../model/segments.js'
import type { CommitBySelf, StoreTransaction } from '../model/store.js'
import type { RunLock } from './run-lock.js'
import type { Scene } from './places.js'
import { keptMessage } from './warn-of-kept.js'
import type { Work } from './work.js'

export interface Committing {
  readonly scene: Scene
  readonly work: Work
  readonly lock: RunLock
  /** Counts the commits of this run. */
  readonly number: number
}

/**
 * Commits the stores of one group as one. A database alone needs no journal of ours; with files beside it, its COMMIT
 * decides and the files follow (protocol 5); files alone are decided by the journal (protocol 4).
 */
export async function commitGroup({ scene, work, lock, number }: Committing, group: CommitGroup): Promise<void> {
  const transactions: StoreTransaction[] = []
  for (const store of group.stores) transactions.push(await work.transaction(store))
  const decider = transactions.find((transaction) => transaction.commit.by === 'itself')?.commit as
    CommitBySelf | undefined
  const overlays = transactions.flatMap(({ commit }) => (commit.by === 'files' ? [commit.overlay as Overlay] : []))

  lock.fence()
  if (overlays.length === 0) {
    if (decider && (await decider.commit(null)) === 'rolled-back') throw commitFailed(group, decider.cause())
  } else {
    const id = decider ? work.commitId(group.stores[0] ?? '') : null
    const request = {
      root: scene.root,
      runFolder: scene.runFolder,
      number,
      overlays,
      decider: decider && id !== null ? { store: group.decider ?? '', path: decider.path, commitId: id } : null,
      decide: async (check: () => void) => decider?.commit(id, check) ?? 'committed',
      fence: () => lock.fence(),
      onKept: (_path: string, kept: string) => work.warn('STORE_CHANGED', keptMessage(kept)),
    } as const
    await commitFiles(request).catch((error: unknown) => {
      const cause = isMoultError(error, 'TRANSACTION_LOST') ? decider?.cause() : undefined
      throw cause === undefined ? error : commitFailed(group, cause)
    })
  }
  for (const transaction of transactions) await transaction.close()
}

/** The database has rolled everything back by itself; what it said tells what to do about it. */
function commitFailed(group: CommitGroup, cause: unknown): MoultFailure {
  if (isMoultError(cause)) return cause
  const code = systemCode(cause)
  const message = `The changes to ${group.stores.join(', ')} could not be committed: ${cause instanceof Error ? cause.message : 'the database rolled them back'}.`
  const store = group.decider ?? ''
  if (code.startsWith('SQLITE_BUSY')) {
    const hint =
      'Close the programs that read this database; in this process, open the state before you open its databases.'
    return new MoultFailure('IN_USE', { message, hint, details: { holder: null, waitedMs: 0 }, cause })
  }
  if (code === 'SQLITE_FULL')
    return new MoultFailure('NO_SPACE', {
      message,
      hint: 'Free some space and start again.',
      details: { store },
      cause,
    })
  const hint = 'Look at the cause (an I/O error, a damaged file), mend it and start again.'
  return new MoultFailure('DISK_FAILED', { message, hint, details: { store }, cause })
}
