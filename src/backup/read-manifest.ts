import { join } from 'node:path'
import { readText } from '../disk/read-file.js'
import { isMoultError, MoultFailure, systemCode } from '../model/errors.js'
import { isBackupId, parseManifest } from '../model/manifest.js'
import type { Manifest } from '../model/manifest.js'
import type { Scene } from '../engine/places.js'
import { backupFolder, listBackupIds } from './backups-folder.js'

/** The manifest of a backup. Throws BACKUP_UNKNOWN, BACKUP_BAD. */
export function readManifest(scene: Scene, id: string): Manifest {
  if (!isBackupId(id)) throw unknown(scene, id)
  const path = join(backupFolder(scene, id), 'manifest.json')
  let text: string
  try {
    text = readText(path)
  } catch (error) {
    if (!listBackupIds(scene).includes(id)) throw unknown(scene, id)
    if (systemCode(error) === 'ENOENT') throw badBackup(id, 'it has no manifest')
    if (isMoultError(error, 'FILE_UNSUPPORTED') || error instanceof TypeError)
      throw badBackup(id, 'its manifest is no plain text', error)
    throw error
  }
  const manifest = parseManifest(text, id, process.platform)
  if (typeof manifest === 'string') throw badBackup(id, `of its manifest, ${manifest}`)
  return manifest
}

/** As `readManifest`; null where it throws: for lists, which one bad backup must not take down. */
export function readManifestIfGood(scene: Scene, id: string): Manifest | null {
  try {
    return readManifest(scene, id)
  } catch (error) {
    if (isMoultError(error)) return null
    throw error
  }
}

export function badBackup(id: string, what: string, cause?: unknown): MoultFailure<'BACKUP_BAD'> {
  return new MoultFailure('BACKUP_BAD', {
    message: `The backup ${id} cannot be used: ${what}. Nothing was changed.`,
    hint: 'Take another backup: list-backups shows them. What is in its folder can be copied back by hand.',
    details: {},
    cause,
  })
}

function unknown(scene: Scene, id: string): MoultFailure<'BACKUP_UNKNOWN'> {
  const ids = listBackupIds(scene)
  return new MoultFailure('BACKUP_UNKNOWN', {
    message: `There is no backup ${JSON.stringify(id)}.`,
    hint: ids.length === 0 ? `There are none in ${backupFolder(scene, '')}.` : `There are: ${ids.join(', ')}.`,
    details: {},
  })
}
