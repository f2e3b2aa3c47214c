import type { Scene } from '../engine/places.js'
import { isMoultError } from '../model/errors.js'
import { describeBackup } from '../model/manifest.js'
import type { BackupInfo, Manifest } from '../model/manifest.js'
import type { Problem } from '../model/report.js'
import { listBackupIds } from './backups-folder.js'
import type { BackupWork } from './backup-work.js'
import { findRotten, findStray } from './check-backup.js'
import { readManifest, readManifestIfGood } from './read-manifest.js'

/** The backups that have a manifest of moult's, the oldest first. */
export function listBackups(scene: Scene): readonly BackupInfo[] {
  return listBackupIds(scene).flatMap((id) => {
    const manifest = readManifestIfGood(scene, id)
    return manifest === null ? [] : [describeBackup(manifest)]
  })
}

/** Reads one backup, or all: what is not as it was made. Throws BACKUP_UNKNOWN for an id that is none. */
export async function verifyBackups(work: BackupWork, id: string | null): Promise<readonly Problem[]> {
  const problems: Problem[] = []
  for (const each of id === null ? listBackupIds(work.scene) : [id]) problems.push(...(await verifyBackup(work, each)))
  return problems
}

async function verifyBackup({ scene, signal }: BackupWork, id: string): Promise<Problem[]> {
  let manifest: Manifest
  try {
    manifest = readManifest(scene, id)
  } catch (error) {
    if (!isMoultError(error, 'BACKUP_BAD')) throw error
    return [{ store: null, code: error.code, message: error.message, hint: error.hint }]
  }
  const problem = (store: string | null, what: string): Problem => ({
    store,
    code: 'BACKUP_BAD',
    message: `The backup ${id}: ${what}.`,
    hint: 'Make another one, and do not rely on this.',
  })
  const stray = await findStray(scene, manifest)
  return [
    ...(stray === null ? [] : [problem(null, stray)]),
    ...manifest.stores.flatMap(({ name, database }) =>
      database === null || database.damage === null
        ? []
        : [problem(name, `the database of '${name}' was damaged when it was made: ${database.damage}`)],
    ),
    ...(await findRotten(scene, manifest, signal)).map(({ store, path, what }) => problem(store, `${path} ${what}`)),
  ]
}
