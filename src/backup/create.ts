import { join } from 'node:path'
import { holdWork } from '../drivers/lock.js'
import { throwIfAborted } from '../disk/breathe.js'
import { disk } from '../disk/disk.js'
import { diskFailure } from '../disk/failures.js'
import { lstatIfAny } from '../disk/identity.js'
import { makeDirectory } from '../disk/make-directory.js'
import { removeTree } from '../disk/remove-tree.js'
import { replaceFile } from '../disk/write-file.js'
import { syncDirectory } from '../disk/sync-directory.js'
import { requireSpace } from '../disk/free-space.js'
import { describeBackup } from '../model/manifest.js'
import type { BackedUpStore, BackupInfo, Manifest } from '../model/manifest.js'
import type { Place } from '../model/store.js'
import { databaseBytes } from '../engine/database-bytes.js'
import { explain } from '../engine/explain.js'
import type { Scene } from '../engine/places.js'
import {
  backupFolder,
  backupsFolder,
  listBackupIds,
  newBackupId,
  partialFolder,
  removePartials,
} from './backups-folder.js'
import type { BackupWork } from './backup-work.js'
import { beginDatabase, finishDatabase, holdDatabases, releaseDatabases } from './copy-databases.js'
import type { HeldDatabase } from './copy-databases.js'
import { copyFiles, listFiles } from './copy-files.js'
import type { ListedFiles } from './copy-files.js'
import { readBack } from './read-back.js'
import { readManifestIfGood } from './read-manifest.js'
import { settleRun } from './settle-run.js'
import { indexFiles } from './store-file.js'
import type { Shelf } from './store-file.js'

export interface BackupAsked {
  readonly cause: Manifest['cause']
  readonly reason: string | null
  readonly metadata: unknown
  readonly compress: boolean
}

/** A backup beside the programs that use the state, never beside a run. What a crash had left is finished first. */
export async function createBackup(work: BackupWork, asked: BackupAsked): Promise<BackupInfo> {
  await settleRun(work)
  const hold = await holdWork(work.scene.root, work.waiting)
  try {
    return describeBackup(await writeBackup(work, asked))
  } catch (error) {
    throw explain(error, work.signal)
  } finally {
    hold.release()
  }
}

/**
 * Copies all stores as they are at one moment and reads the copies back. The manifest comes last, then the folder gets
 * its name: a crash leaves a folder that is no backup, and the next one removes it. Under a lock that keeps runs and
 * other backups away.
 *
 * @throws MoultError NO_SPACE, IN_USE, NO_PERMISSION, READ_ONLY, DISK_FAILED, INTERRUPTED; BACKUP_FAILED when what was
 * written reads back as something else.
 */
export async function writeBackup(work: BackupWork, asked: BackupAsked): Promise<Manifest> {
  const { scene } = work
  const now = new Date()
  const id = newBackupId(scene, now)
  const folder = partialFolder(scene, id)
  try {
    await removePartials(scene)
    const previous = newest(scene)
    const shelf: Shelf = {
      folder,
      stored: asked.compress ? 'gzip' : 'plain',
      previous: previous && indexFiles(backupFolder(scene, previous.id), previous.stores),
      written: [],
      readBack: new Map(),
      signal: work.signal,
    }
    // Files may all be links to the backup before; databases are copied first, and compared then
    requireSpace(folder, {
      what: `A backup of ${scene.root}`,
      bytes: databaseBytes(scene.places),
      hint: 'Old backups can be pruned.',
    })
    makeDirectory(folder, { mode: 0o700 })
    const { stores, moved } = await copyStores(work, id, shelf)
    const manifest: Manifest = {
      moult: 1,
      id,
      createdAt: now.toISOString(),
      app: scene.spec.app,
      appVersion: scene.spec.appVersion,
      cause: asked.cause,
      reason: asked.reason,
      metadata: asked.metadata,
      moment: moved.length === 0 ? 'exact' : 'fuzzy',
      moved,
      stores,
    }
    if (previous !== null && asked.cause === 'run' && previous.cause === 'run' && isSameContent(previous, manifest)) {
      await removeTree(folder)
      return previous
    }
    await readBack(shelf, manifest)
    replaceFile(join(folder, 'manifest.json'), `${JSON.stringify(manifest)}\n`, { mode: 0o400 })
    throwIfAborted(work.signal)
    disk.rename(folder, backupFolder(scene, id))
    syncDirectory(backupsFolder(scene))
    return manifest
  } catch (error) {
    await removeTree(folder).catch(() => undefined)
    throw diskFailure(error, 'The backup')
  }
}

async function copyStores(
  work: BackupWork,
  id: string,
  shelf: Shelf,
): Promise<{ stores: BackedUpStore[]; moved: string[] }> {
  const { scene, signal } = work
  const isDatabase = ({ spec }: Place): boolean => spec.extent.is === 'database'
  const code = await work.databases()
  let held: HeldDatabase[] = await holdDatabases(scene.places.filter(isDatabase), code, {
    driver: work.driver,
    waitMs: work.waiting.waitMs,
    signal,
  })
  try {
    // One moment: nothing is committed to a database between this line and the last of the lists
    const listed: ListedFiles[] = []
    for (const place of scene.places) if (!isDatabase(place)) listed.push(await listFiles(place, signal))
    held = await Promise.all(held.map((each) => beginDatabase(shelf, each)))
    if (held.every(({ frozen }) => frozen === null || frozen.journalMode === 'wal'))
      for (const { frozen } of held) frozen?.letWritersGo()

    const total = bytesOf(held, listed)
    let done = 0
    const onCopied = (bytes: number): void => work.onEvent({ type: 'backup', id, done: (done += bytes), total })
    const parts = new Map<string, Pick<BackedUpStore, 'database' | 'files' | 'directories' | 'skipped'>>()
    const moved: string[] = []
    const copyDatabases = async (): Promise<void> => {
      for (const each of held) {
        const { files, database } = await finishDatabase(shelf, each, (path) => code.check(path, work.driver, signal))
        parts.set(each.place.spec.name, { files, database, directories: [], skipped: [] })
        onCopied(files.reduce((sum, { bytes }) => sum + bytes, 0))
      }
    }
    const copyOthers = async (): Promise<void> => {
      for (const each of listed)
        parts.set(each.place.spec.name, { ...(await copyFiles(shelf, each, moved, onCopied)), database: null })
    }
    // Side by side, because a process of its own checks what is copied; both come to an end before anything is let go
    const results = await Promise.allSettled([copyDatabases(), copyOthers()])
    for (const result of results) if (result.status === 'rejected') throw result.reason
    const stores: BackedUpStore[] = []
    for (const place of scene.places) {
      const part = parts.get(place.spec.name)
      if (part === undefined) throw new TypeError(`${place.spec.name} was not copied`)
      const path = held.find((each) => each.place === place)?.path ?? place.spec.path
      const { name, kind } = place.spec
      stores.push({ name, kind, path, version: await versionOf(place), claim: place.claim, ...part })
    }
    return { stores, moved }
  } finally {
    releaseDatabases(held)
  }
}

function bytesOf(held: readonly HeldDatabase[], listed: readonly ListedFiles[]): number {
  const databases = held.map(({ place, path }) => Number(lstatIfAny(join(place.root, path))?.size ?? 0))
  const files = listed.flatMap((each) => each.files.map(({ size }) => size))
  return [...databases, ...files].reduce((sum, size) => sum + size, 0)
}

/** For people only: what a store's marker says, where it says anything. */
async function versionOf(place: Place): Promise<number | null> {
  const found = await place.spec.code.examine(place)
  return found.is === 'marked' ? found.marker.entries.filter(({ track }) => track === '').length : null
}

function newest(scene: Scene): Manifest | null {
  for (const id of listBackupIds(scene).toReversed()) {
    const manifest = readManifestIfGood(scene, id)
    if (manifest !== null) return manifest
  }
  return null
}

/** A run that is tried again finds what it had backed up: then there is nothing to keep twice. */
function isSameContent(one: Manifest, other: Manifest): boolean {
  const content = ({ stores, moment }: Manifest): string =>
    JSON.stringify([
      moment,
      stores.map((store) => ({ ...store, files: store.files.map((file) => ({ ...file, mtimeNs: '' })) })),
    ])
  return one.moment === 'exact' && content(one) === content(other)
}
