import type { Scene } from '../engine/places.js'
import { describeBackup } from '../model/manifest.js'
import type { BackupInfo } from '../model/manifest.js'
import { listBackupIds } from './backups-folder.js'
import { readManifestIfGood } from './read-manifest.js'

/** The newest backup that this program can work with: none of its stores is at a version that is unknown here. */
export function findUsableBackup(scene: Scene): BackupInfo | null {
  const heads = new Map(scene.places.map(({ spec }) => [spec.name, spec.lane.names.length]))
  for (const id of listBackupIds(scene).toReversed()) {
    const manifest = readManifestIfGood(scene, id)
    if (manifest === null) continue
    const info = describeBackup(manifest)
    const isKnown = Object.entries(info.stores).every(([name, version]) => (version ?? 0) <= (heads.get(name) ?? 0))
    if (info.whole && isKnown) return info
  }
  return null
}
