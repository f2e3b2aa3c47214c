import { closeGate } from '../drivers/lock.js'
import { exists } from '../engine/places.js'
import { recoverRun } from '../engine/recover.js'
import type { BackupWork } from './backup-work.js'

/** A state in mid-run is of no moment: what a crash left is finished or undone first, which needs no step. */
export async function settleRun({ scene, driver, waiting, onEvent }: BackupWork): Promise<void> {
  if (!exists(scene.runFolder)) return
  const gate = await closeGate(scene.root, waiting)
  const exclusive = await gate.takeUse()
  try {
    const direction = await recoverRun(scene, driver)
    if (direction !== null) onEvent({ type: 'recovered', direction })
  } finally {
    exclusive.release()
  }
}
