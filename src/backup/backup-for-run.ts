import type { Scene } from '../engine/places.js'
import type { ResolvedRun } from '../engine/resolved-run.js'
import type { RunLock } from '../engine/run-lock.js'
import { isMoultError, MoultFailure } from '../model/errors.js'
import { describeBackup } from '../model/manifest.js'
import type { Manifest } from '../model/manifest.js'
import { discardBackup } from './backups-folder.js'
import type { BackupWork } from './backup-work.js'
import { writeBackup } from './create.js'
import { removeOld } from './prune.js'

/**
 * The backup that a run makes before its first write, under its lock: the id, or null where none was to be had and none
 * is required. A run that is tried again finds the one it made before, as long as the state is what it was.
 *
 * @throws MoultError BACKUP_FAILED, IN_USE, INTERRUPTED; nothing has been begun then.
 */
export async function backupForRun(scene: Scene, run: ResolvedRun): Promise<string | null> {
  if (run.backup === 'none') return null
  try {
    const asked = { cause: 'run', reason: null, metadata: null, compress: false } as const
    const manifest = await writeBackup(workOf(scene, run), asked)
    const doubt = findDoubt(manifest)
    if (doubt === null) return manifest.id
    await discardBackup(scene, manifest.id, run.onEvent)
    throw notTrusted(doubt)
  } catch (error) {
    if (!isMoultError(error) || error.code === 'INTERRUPTED') throw error
    if (run.backup === 'required') throw describe(error)
    run.onEvent({ type: 'warning', code: 'BACKUP_FAILED', message: `There is no backup of this run: ${error.message}` })
    return null
  }
}

/** The oldest of the backups that moult made by itself go, once a run has ended, however it did. */
export async function pruneAfterRun(scene: Scene, run: ResolvedRun, lock: Pick<RunLock, 'fence'>): Promise<void> {
  if (run.backup === 'none') return
  try {
    lock.fence()
    await removeOld(scene, run.keepBackups, ({ cause }) => cause !== 'command')
  } catch (error) {
    run.onEvent({
      type: 'warning',
      code: 'BACKUPS_NOT_PRUNED',
      message: `Old backups could not be removed: ${String(error)}`,
    })
  }
}

export function workOf(scene: Scene, { driver, databases, waitMs, signal, onEvent }: ResolvedRun): BackupWork {
  return { scene, driver, databases, waiting: { waitMs, signal, onWaiting: () => undefined }, signal, onEvent }
}

function findDoubt(manifest: Manifest): string | null {
  const [moved] = manifest.moved
  if (moved !== undefined) return `${moved} was written to while it was copied`
  if (describeBackup(manifest).whole) return null
  const damaged = manifest.stores.find(({ database }) => database?.damage != null)
  return `the database of '${damaged?.name ?? ''}' is damaged: ${damaged?.database?.damage ?? ''}`
}

function notTrusted(doubt: string): MoultFailure<'BACKUP_FAILED'> {
  return new MoultFailure('BACKUP_FAILED', {
    message: `No backup that could be relied on was made: ${doubt}.`,
    hint: "Close the programs that write there, or mend what is damaged. Or go on without: backup: 'try' or 'none', --force or --no-backup.",
    details: {},
  })
}

function describe(cause: MoultFailure): MoultFailure {
  if (cause.code === 'BACKUP_FAILED' || cause.code === 'IN_USE') return cause
  return new MoultFailure('BACKUP_FAILED', {
    message: `No backup could be made: ${cause.message}`,
    hint: `${cause.hint} Or go on without: backup: 'try' or 'none', --force or --no-backup.`,
    details: {},
    cause,
  })
}
