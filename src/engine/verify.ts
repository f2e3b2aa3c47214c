import { holdUse } from '../drivers/lock.js'
import type { Driver } from '../model/driver.js'
import type { Problem } from '../model/report.js'
import { examineState } from './examine.js'
import { exists } from './places.js'
import type { Scene } from './places.js'
import { reportProblem } from './report.js'

/** Looks at everything, content too, beside programs that have the state open but never beside a run. */
export async function verifyState(
  scene: Scene,
  options: { readonly driver: () => Promise<Driver>; readonly waitMs: number },
): Promise<readonly Problem[]> {
  const hold = await holdUse(scene.root, { waitMs: options.waitMs, readOnly: true })
  try {
    const { verdicts, refusals, unfinished } = await examineState(scene)
    const problems = refusals.map(reportProblem)
    if (unfinished) problems.push(unfinishedProblem(scene))
    for (const place of scene.places) {
      const status = verdicts.find(({ spec }) => spec === place.spec)?.status
      if (status === 'fresh' || status === 'unreadable' || unfinished) continue
      problems.push(...(await place.spec.code.verify(place, { driver: options.driver })))
    }
    if (exists(`${scene.runFolder}.done`)) {
      problems.push({
        store: null,
        code: 'UNFINISHED',
        message: `${scene.runFolder}.done was left by a run that had ended.`,
        hint: 'The next upgrade deletes it.',
      })
    }
    return problems
  } finally {
    hold.release()
  }
}

function unfinishedProblem(scene: Scene): Problem {
  return {
    store: null,
    code: 'UNFINISHED',
    message: `An upgrade was cut off here (${scene.runFolder}); the stores were not looked into.`,
    hint: 'Run the upgrade: it finishes or undoes what was left.',
  }
}
