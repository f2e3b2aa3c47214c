import type { Verdict } from '../model/verdict.js'
import type { Scene } from './places.js'
import type { ResolvedRun } from './resolved-run.js'
import { findUnclaimed } from './unclaimed.js'

/**
 * A store without data in a root where files belong to nobody may be one whose path is mistyped: then the run makes it
 * anew, and the app finds nothing of what it had. Only on a root's first run: later ones know where data was.
 */
export async function warnOfPaths(scene: Scene, verdicts: readonly Verdict[], { onEvent }: ResolvedRun): Promise<void> {
  const fresh = verdicts.filter(({ status }) => status === 'fresh').map(({ spec }) => spec.name)
  if (fresh.length === 0 || verdicts.some(({ marker }) => marker !== null)) return
  // Where the root cannot be listed there is nothing to warn of, and what a step needs it meets itself
  const [first, ...others] = await findUnclaimed(scene).catch(() => [])
  if (first === undefined) return
  const files = others.length === 0 ? `${first} belongs` : `${first} and ${others.length} more belong`
  onEvent({
    type: 'warning',
    code: 'UNCLAIMED_FILES',
    message: `${files} to no store, and there is no data yet of ${fresh.join(', ')}: is the path right?`,
  })
}
