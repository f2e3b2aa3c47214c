import type { State, StatusReport } from '../index.js'
import { plain } from './paint.js'

/**
 * A store that is fresh while there are files that nobody claims may be one with a mistyped path. Looking for them takes
 * a walk through the whole root, so it is not done for nothing.
 */
export async function lookAround(state: State, isVerbose: boolean): Promise<StatusReport> {
  const report = await state.status({ unclaimed: isVerbose })
  return isVerbose || report.stores.every(({ status }) => status !== 'fresh')
    ? report
    : state.status({ unclaimed: true })
}

export function renderUnclaimed(unclaimed: readonly string[], isVerbose: boolean): string[] {
  if (unclaimed.length === 0) return []
  if (isVerbose) return ['', 'files that belong to no store:', ...unclaimed.map((file) => `  ${plain(file)}`)]
  const files = unclaimed.length === 1 ? '1 file belongs' : `${unclaimed.length} files belong`
  return ['', `${files} to no store, and a store is fresh: is its path right? status --verbose lists them.`]
}
