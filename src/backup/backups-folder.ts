import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { disk } from '../disk/disk.js'
import { removeTree } from '../disk/remove-tree.js'
import { syncDirectory } from '../disk/sync-directory.js'
import { listDirectory } from '../disk/walk.js'
import { isBackupId } from '../model/manifest.js'
import type { Listener } from '../model/events.js'
import type { Scene } from '../engine/places.js'

const partial = '.part'

export function backupsFolder(scene: Scene): string {
  return join(scene.home, 'backups')
}

export function backupFolder(scene: Scene, id: string): string {
  return join(backupsFolder(scene), id)
}

/** Where a backup stands until it is whole. */
export function partialFolder(scene: Scene, id: string): string {
  return backupFolder(scene, id) + partial
}

/** Ids of the backups that were made to their end, the oldest first: an id begins with its time. */
export function listBackupIds(scene: Scene): string[] {
  return listDirectory(backupsFolder(scene))
    .filter((entry) => entry.isDirectory() && isBackupId(entry.name))
    .map(({ name }) => name)
}

/** An id that no other is, and that sorts after those there are, whatever the clock does. */
export function newBackupId(scene: Scene, now: Date): string {
  const last = listBackupIds(scene).at(-1)
  const after = last === undefined ? 0 : timeIn(last) + 1
  const time = new Date(Math.max(now.getTime(), after))
    .toISOString()
    .replace(/[-:.Z]/g, '')
    .replace('T', '-')
  return `${time}-${randomBytes(3).toString('hex')}`
}

/** Milliseconds since 1970; 0 for an id that moult did not make. */
function timeIn(id: string): number {
  const [, year, month, day, hour, minute, second, ms] =
    /^(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)(\d{3})-/.exec(id) ?? []
  const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.${ms}Z`)
  return Number.isNaN(time) ? 0 : time
}

/** First it loses its name: a crash leaves nothing that looks like a backup and is none. */
export async function removeBackup(scene: Scene, id: string): Promise<void> {
  const gone = partialFolder(scene, id)
  disk.rename(backupFolder(scene, id), gone)
  syncDirectory(backupsFolder(scene))
  await removeTree(gone)
}

/** For one that nobody asked for: that it stays is no reason to fail. */
export async function discardBackup(scene: Scene, id: string, onEvent: Listener): Promise<void> {
  try {
    await removeBackup(scene, id)
  } catch (error) {
    const message = `The backup ${id} is of no use any more and could not be deleted: ${String(error)}`
    onEvent({ type: 'warning', code: 'LEFTOVERS', message })
  }
}

/** Takes away what backups that were cut off had written. Only under the lock for such work: else it may be under way. */
export async function removePartials(scene: Scene): Promise<void> {
  for (const entry of listDirectory(backupsFolder(scene)))
    if (entry.name.endsWith(partial)) await removeTree(join(backupsFolder(scene), entry.name))
}
