import { join } from 'node:path'
import { lstatIfAny } from '../disk/identity.js'
import { listDirectory } from '../disk/walk.js'
import { holdWork } from '../drivers/lock.js'
import type { Scene } from '../engine/places.js'
import { describeBackup } from '../model/manifest.js'
import type { Manifest } from '../model/manifest.js'
import { backupFolder, listBackupIds, removeBackup, removePartials } from './backups-folder.js'
import type { BackupWork } from './backup-work.js'
import { findStray } from './check-backup.js'
import { readManifestIfGood } from './read-manifest.js'
import { settleRun } from './settle-run.js'

export interface Pruned {
  readonly removed: readonly string[]
  /** Bytes that were freed; what other backups link to stays. */
  readonly freed: number
}

/** Removes old backups beside the programs that use the state. A crash leaves whole ones, and some that are none. */
export async function pruneBackups(work: BackupWork, keep: number): Promise<Pruned> {
  await settleRun(work)
  const hold = await holdWork(work.scene.root, work.waiting)
  try {
    return await removeOld(work.scene, keep, () => true)
  } finally {
    hold.release()
  }
}

/** Keeps the newest of those that may go, and in any case the newest that is whole. */
export async function removeOld(scene: Scene, keep: number, mayGo: (manifest: Manifest) => boolean): Promise<Pruned> {
  await removePartials(scene)
  const known = listBackupIds(scene).map((id) => ({ id, manifest: readManifestIfGood(scene, id) }))
  const candidates = known.flatMap(({ id, manifest }) => (manifest !== null && mayGo(manifest) ? [id] : []))
  const lastWhole = await findLastWhole(
    scene,
    known.flatMap(({ manifest }) => manifest ?? []),
  )
  const removed = candidates.slice(0, Math.max(0, candidates.length - keep)).filter((id) => id !== lastWhole)
  let freed = 0
  for (const id of removed) {
    freed += bytesOnlyIn(backupFolder(scene, id))
    await removeBackup(scene, id)
  }
  return { removed, freed }
}

async function findLastWhole(scene: Scene, manifests: readonly Manifest[]): Promise<string | null> {
  for (const manifest of manifests.toReversed())
    if (describeBackup(manifest).whole && (await findStray(scene, manifest)) === null) return manifest.id
  return null
}

function bytesOnlyIn(folder: string): number {
  return listDirectory(folder).reduce((sum, entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return sum + bytesOnlyIn(path)
    const stats = lstatIfAny(path)
    return sum + (stats?.nlink === 1n ? Number(stats.size) : 0)
  }, 0)
}
