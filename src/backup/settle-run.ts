import { closeGate } from '../drivers/lock.js'
import { finishCutOff } from '../engine/finish-cut-off.js'
import { exists } from '../engine/places.js'
import type { BackupWork } from './backup-work.js'

/** A state in mid-run is of no moment: what a crash left is finished or undone first, which needs no step. */
export async function settleRun({ scene, driver, waiting, onEvent }: BackupWork): Promise<void> {
  if (!exists(scene.runFolder)) return
  const gate = await closeGate(scene.root, waiting)
  const exclusive = await gate.takeUse()
  try {
    await finishCutOff(scene, { driver, waiting, onEvent, fence: () => exclusive.fence() })
  } finally {
    exclusive.release()
  }
}
