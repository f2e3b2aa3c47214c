import { commitFiles } from '../disk/commit-files.js'
import type { Overlay } from '../disk/overlay.js'
import { MoultFailure } from '../model/errors.js'
import type { CommitGroup } from '../model/segments.js'
import type { CommitBySelf, StoreTransaction } from '../model/store.js'
import type { RunLock } from './run-lock.js'
import type { Scene } from './places.js'
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
    await commitFiles({
      root: scene.root,
      runFolder: scene.runFolder,
      number,
      overlays,
      decider: decider && id !== null ? { store: group.decider ?? '', path: decider.path, commitId: id } : null,
      decide: async () => decider?.commit(id) ?? 'committed',
      fence: () => lock.fence(),
    })
  }
  for (const transaction of transactions) await transaction.close()
}

function commitFailed(group: CommitGroup, cause: unknown): MoultFailure<'DISK_FAILED'> {
  return new MoultFailure('DISK_FAILED', {
    message: `The changes to ${group.stores.join(', ')} could not be committed; the database rolled them back.`,
    hint: 'Look at the cause (a full disk, an I/O error, a program that keeps reading), mend it and start again.',
    details: { store: group.decider ?? '' },
    cause,
  })
}
