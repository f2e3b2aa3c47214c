import { MoultFailure } from '../model/errors.js'
import type { Refusal } from '../model/verdict.js'
import type { Examination } from './examine.js'
import type { Scene } from './places.js'
import { reportRun } from './report.js'
import type { Progress } from './report.js'

/** Throws the first refusal, and names the others. Nothing was changed when this is called (G2). */
export function refuseState(
  scene: Scene,
  progress: Progress,
  { verdicts }: Examination,
  refusals: readonly Refusal[],
  lock: { readonly locked: boolean },
): void {
  const [first, ...others] = refusals
  if (!first) return
  const more =
    others.length === 0
      ? ''
      : ` Also: ${others.map(({ store, code }) => `${store ?? 'the state'} (${code})`).join(', ')}.`
  const failure = new MoultFailure(first.code, {
    message: first.message + more,
    hint: first.hint,
    details: first.details,
  })
  failure.report = reportRun(scene, progress, { outcome: 'refused', verdicts, locked: lock.locked })
  throw failure
}
