import type { Segment } from '../model/segments.js'
import type { Verdict } from '../model/verdict.js'
import { throwIfAborted } from '../disk/breathe.js'
import { firstNumber } from '../disk/staging.js'
import { applyItem } from './apply-item.js'
import { commitGroup } from './commit-group.js'
import { closeJournal } from './journal.js'
import type { RunLock } from './run-lock.js'
import type { Scene } from './places.js'
import type { Progress } from './report.js'
import type { ResolvedRun } from './resolved-run.js'
import { openWork } from './work.js'
import { writeHistory } from './write-history.js'

/**
 * Runs the steps of each segment, all of them before the first commit: a step that fails is undone by letting go. Then
 * commits the segment's groups, one after the other.
 */
export async function carryOut(
  scene: Scene,
  run: ResolvedRun,
  segments: readonly Segment[],
  verdicts: readonly Verdict[],
  progress: Progress,
  lock: RunLock,
): Promise<void> {
  const planned = new Map(verdicts.map(({ spec, marker }) => [spec.name, marker]))
  let commits = firstNumber()
  for (const segment of segments) {
    const groupOf = (store: string): string =>
      segment.groups.find((group) => group.stores.includes(store))?.stores.join('\0') ?? store
    const work = openWork(scene, groupOf, {
      ...run,
      warn: (code, message) => run.onEvent({ type: 'warning', code, message }),
      planned,
      replacesMarker: run.goal.is === 'stamp',
      fence: () => lock.fence(),
    })
    try {
      for (const item of segment.items) {
        throwIfAborted(run.signal)
        await applyItem({ scene, work, progress, signal: run.signal, dryRun: run.dryRun, onEvent: run.onEvent }, item)
      }
      for (const group of segment.groups)
        for (const store of group.stores) await (await work.transaction(store)).prepare()
      throwIfAborted(run.signal)
      for (const group of segment.groups) {
        await commitGroup({ scene, work, lock, number: (commits += 1) }, group)
        progress.committed(group.stores)
        for (const store of group.stores) planned.delete(store)
        run.onEvent({ type: 'commit', stores: group.stores })
      }
    } finally {
      await work.end()
    }
  }
  lock.fence()
  writeHistory(scene, run, progress, lock, null)
  await closeJournal(scene, lock)
}
