import type { OverlayChanges } from '../../disk/overlay.js'
import { noChanges } from '../../model/report.js'
import type { ChangeCounts } from '../../model/report.js'

/**
 * What a step added to the changes of the steps before it in the same commit. A moved file counts as changed, a derived
 * one that leaves as removed. A file that one step adds and the next one changes counts once.
 */
export function countChanges(before: OverlayChanges, after: OverlayChanges): ChangeCounts {
  const more = (count: (changes: OverlayChanges) => number): number => Math.max(0, count(after) - count(before))
  return {
    ...noChanges,
    filesAdded: more(({ added }) => added),
    filesChanged: more(({ changed, moved }) => changed + moved),
    filesRemoved: more(({ removed, derived }) => removed + derived),
  }
}
