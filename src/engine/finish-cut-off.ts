import type { Listener } from '../model/events.js'
import type { RunReport } from '../model/report.js'
import { examineState } from './examine.js'
import { readJournal } from './journal.js'
import type { RunHeader } from './journal.js'
import type { Scene } from './places.js'
import { recoverRun } from './recover.js'
import type { Recovering } from './recover.js'
import { writeCutOff } from './write-cut-off.js'
import { writeRestored } from './write-restored.js'

export interface Finishing extends Recovering {
  readonly onEvent: Listener
}

/** Finishes or undoes what a crash left, under the exclusive lock, and tells listeners and the history of it. */
export async function finishCutOff(
  scene: Scene,
  { onEvent, ...recovering }: Finishing,
): Promise<RunReport['recovered']> {
  const cutOff = readJournal(scene)
  const onForward = (header: RunHeader): void => writeRestored(scene, onEvent, header)
  const direction = await recoverRun(scene, { ...recovering, onForward })
  if (direction !== null) onEvent({ type: 'recovered', direction })
  if (cutOff !== null) await tell(scene, onEvent, cutOff)
  return direction
}

/** It is for the log alone: a state that cannot be examined is refused elsewhere, or is to be backed up all the same. */
async function tell(scene: Scene, onEvent: Listener, cutOff: RunHeader): Promise<void> {
  try {
    const { verdicts } = await examineState(scene)
    writeCutOff(scene, onEvent, cutOff, verdicts)
  } catch (cause) {
    onEvent({
      type: 'warning',
      code: 'HISTORY_NOT_WRITTEN',
      message: `The history could not be written: ${String(cause)}`,
    })
  }
}
