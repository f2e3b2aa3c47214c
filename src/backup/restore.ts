import { commitIntent } from '../disk/commit-files.js'
import { diskFailure, unfinished } from '../disk/failures.js'
import { stagingPlaces } from '../disk/staging.js'
import { parentOf } from '../disk/relative-path.js'
import { requireSpace } from '../disk/free-space.js'
import { closeGate } from '../drivers/lock.js'
import type { ExclusiveHold } from '../drivers/lock.js'
import { attachReport } from '../engine/attach-report.js'
import type { Phase } from '../engine/attach-report.js'
import { databaseBytes } from '../engine/database-bytes.js'
import { examineState } from '../engine/examine.js'
import { explain } from '../engine/explain.js'
import { finishCutOff } from '../engine/finish-cut-off.js'
import { closeJournal, openJournal, writeBallast } from '../engine/journal.js'
import type { RunHeader } from '../engine/journal.js'
import { Progress, reportRun } from '../engine/report.js'
import type { DatabaseCode, SeizedDatabase } from '../model/database-code.js'
import { isMoultError } from '../model/errors.js'
import { describeBackup } from '../model/manifest.js'
import type { Manifest } from '../model/manifest.js'
import type { RunReport } from '../model/report.js'
import type { Verdict } from '../model/verdict.js'
import { keptMessage } from '../engine/warn-of-kept.js'
import { writeRestored } from '../engine/write-restored.js'
import { exists } from '../engine/places.js'
import type { Scene } from '../engine/places.js'
import { discardBackup } from './backups-folder.js'
import type { BackupWork } from './backup-work.js'
import { findRotten, findStray } from './check-backup.js'
import { writeBackup } from './create.js'
import { badBackup, readManifest } from './read-manifest.js'
import { restoreScene } from './restore-places.js'
import { stageRestore } from './stage-restore.js'

export interface RestoreAsked {
  readonly id: string
  /** Takes what is there although digests say that it is not what was backed up. */
  readonly skipVerify: boolean
}

/**
 * Puts a backup in the place of the state: all stores of it or none. The manifest is taken for hostile, everything is
 * looked at before anything is begun, what is there is kept as a backup of its own, and then all files of all stores
 * come as one commit (protocol 4), databases too, which are taken out of use first (protocol 7). A crash leaves the old
 * state or the new one, once the next start has finished or undone it.
 *
 * @throws MoultError BACKUP_UNKNOWN, BACKUP_BAD, IN_USE, LOCKED, NO_SPACE, OUTSIDE_ROOT, DISK_FAILED, UNFINISHED
 */
export async function restoreBackup(work: BackupWork, { id, skipVerify }: RestoreAsked): Promise<RunReport> {
  const { scene, waiting, onEvent } = work
  const progress = new Progress()
  const fail = async (cause: unknown, phase: Phase): Promise<never> => {
    const error = explain(diskFailure(cause, 'The restore'), work.signal)
    await attachReport(scene, { onNewer: null }, progress, error, phase)
    throw error
  }
  const manifest = readManifest(scene, id)
  await checkBackup(work, manifest, skipVerify)
  const described = restoreScene(scene, manifest)
  const lock = await lockForRestore(work).catch((cause: unknown) => fail(cause, 'locking'))
  try {
    progress.recovered = await finishCutOff(scene, { driver: work.driver, waiting, onEvent, fence: () => lock.fence() })
    const taking = { ...work, scene: described }
    const kept = await replaceState(taking, manifest, lock, skipVerify)
    progress.backup = kept.id
    tellHistory(taking, headerOf(scene, manifest, lock.runId))
    await endRestore(taking, lock)
    return reportRun(scene, progress, { outcome: 'restored', verdicts: await lookAt(scene, onEvent), locked: true })
  } catch (error) {
    return await fail(error, 'locked')
  } finally {
    lock.release()
  }
}

async function lockForRestore({ scene, waiting }: BackupWork): Promise<ExclusiveHold> {
  const gate = await closeGate(scene.root, waiting)
  return await gate.takeUse()
}

/** For a run that failed after it had committed: takes everything back, under the run's lock, and keeps nothing of it. */
export async function putBackFromBackup(work: BackupWork, id: string, lock: Fenced): Promise<void> {
  const manifest = readManifest(work.scene, id)
  const scene = restoreScene(work.scene, manifest)
  const { signal } = new AbortController()
  const taking = { ...work, scene, signal }
  const kept = await replaceState(taking, manifest, lock, false)
  // The run's own lines say what became of its steps
  await endRestore(taking, lock)
  await discardBackup(scene, kept.id, work.onEvent)
}

/** What came of it. The state is restored whatever this says. */
async function lookAt(scene: Scene, onEvent: BackupWork['onEvent']): Promise<readonly Verdict[]> {
  try {
    return (await examineState(scene)).verdicts
  } catch (error) {
    const message = `The state is restored, and could not be looked at: ${String(error)}`
    onEvent({ type: 'warning', code: 'NOT_EXAMINED', message })
    return []
  }
}

interface Fenced {
  readonly runId: string
  fence(): void
}

async function checkBackup({ scene, signal }: BackupWork, manifest: Manifest, skipVerify: boolean): Promise<void> {
  const stray = await findStray(scene, manifest)
  if (stray !== null) throw badBackup(manifest.id, stray)
  if (skipVerify) return
  const damaged = manifest.stores.find(({ database }) => database !== null && database.damage !== null)
  // What a restore kept may be put back as it was
  if (damaged !== undefined && manifest.cause !== 'restore')
    throw badBackup(
      manifest.id,
      `the database of '${damaged.name}' was damaged when it was made: ${damaged.database?.damage ?? ''}`,
    )
  const [rotten] = await findRotten(scene, manifest, signal)
  if (rotten !== undefined) throw badBackup(manifest.id, `${rotten.path} of '${rotten.store}' ${rotten.what}`)
}

/** Under the lock: keep what is there, stage what comes, commit. Answers with what was kept; the journal is still open. */
async function replaceState(
  work: BackupWork,
  manifest: Manifest,
  lock: Fenced,
  skipVerify: boolean,
): Promise<Manifest> {
  const { scene, signal, onEvent } = work
  // What comes is written beside what is there, which is copied
  requireSpace(scene.root, {
    what: `To restore ${manifest.id}`,
    bytes: bytesOf(manifest) + databaseBytes(scene.places),
  })
  lock.fence()
  let header = headerOf(scene, manifest, lock.runId)
  openJournal(scene, header)
  writeBallast(scene)
  const seized = new Set<SeizedDatabase>()
  let kept: Manifest | null = null
  try {
    const code = await work.databases()
    const taking: DatabaseCode = {
      ...code,
      freeze: async (request) => {
        const database = await code.seize(request, () => {
          lock.fence()
          header = { ...header, logged: [...(header.logged ?? []), relativeTo(scene.root, request.path)] }
          openJournal(scene, header)
        })
        seized.add(database)
        // A copy that was not finished: its lock goes, and is taken again
        let isCopied = false
        return {
          ...database,
          finish: async () => {
            const copied = await database.finish()
            isCopied = true
            return copied
          },
          release: () => {
            if (isCopied || !seized.delete(database)) return
            database.putBack()
          },
        }
      },
    }
    const keep = {
      cause: 'restore',
      reason: `what was there before ${manifest.id} was restored`,
      metadata: null,
    } as const
    kept = await writeBackup({ ...work, databases: async () => taking }, { ...keep, compress: false })
    const was = kept
    const total = describeBackup(manifest).bytes
    let done = 0
    const onCopied = (bytes: number): void => onEvent({ type: 'backup', id: manifest.id, done: (done += bytes), total })
    await commitIntent(
      {
        root: scene.root,
        runFolder: scene.runFolder,
        number: 1,
        decider: null,
        decide: async () => 'committed',
        fence: () => lock.fence(),
        onKept: (_path, path) => onEvent({ type: 'warning', code: 'STORE_CHANGED', message: keptMessage(path) }),
      },
      () => stageRestore({ scene, manifest, kept: was, skipVerify, signal, onCopied }),
    )
    for (const database of seized) database.release()
  } catch (error) {
    if (isMoultError(error, 'UNFINISHED')) {
      for (const database of seized) database.release()
      throw error
    }
    for (const database of seized) database.putBack()
    await closeJournal(scene, lock)
    if (kept !== null) await discardBackup(scene, kept.id, onEvent)
    throw error
  }
  return kept
}

/** Before the journal goes: a crash between leaves it to the next start. */
function tellHistory({ scene, onEvent }: BackupWork, header: RunHeader): void {
  try {
    writeRestored(scene, onEvent, header)
  } catch (error) {
    throw unfinished(scene.runFolder, error)
  }
}

/** The state is restored; what cannot be cleaned up now is no reason to say otherwise. */
async function endRestore({ scene, onEvent }: BackupWork, lock: Fenced): Promise<void> {
  try {
    await closeJournal(scene, lock)
  } catch (error) {
    if (exists(scene.runFolder)) throw unfinished(scene.runFolder, error)
    const message = `What a restore had staged could not be deleted, and the next run will: ${String(error)}`
    onEvent({ type: 'warning', code: 'LEFTOVERS', message })
  }
}

function headerOf(scene: Scene, manifest: Manifest, run: string): RunHeader {
  return {
    moult: 1,
    run,
    app: scene.spec.app,
    appVersion: scene.spec.appVersion,
    startedAt: new Date().toISOString(),
    databases: [],
    restores: { backup: manifest.id, stores: manifest.stores.map(({ name, version }) => ({ name, version })) },
    staging: manifest.stores.flatMap(({ name, path, claim, database }) =>
      stagingPlaces(name, database === null ? claim.base : parentOf(path)),
    ),
  }
}

function bytesOf({ stores }: Manifest): number {
  return stores
    .filter(({ database }) => database !== null)
    .reduce((sum, { files }) => sum + files.reduce((all, { bytes }) => all + bytes, 0), 0)
}

function relativeTo(root: string, path: string): string {
  return path.slice(root.length + 1)
}
