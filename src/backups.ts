import type { BackupWork } from './backup/backup-work.js'
import { checkOptions } from './model/call-options.js'
import type { BackupInfo } from './model/manifest.js'
import type { Listener } from './model/events.js'
import type { Problem, RunReport } from './model/report.js'

export interface BackupCallOptions {
  /** How long to wait for other processes, in milliseconds. Default 30,000. */
  readonly waitMs?: number
  /** Told what happens. What it throws is ignored. */
  readonly onEvent?: Listener
  /** Interrupts; nothing is left of what was begun. */
  readonly signal?: AbortSignal
}

export interface BackupOptions extends BackupCallOptions {
  /** Why, in the caller's words; shown by `list`. */
  readonly reason?: string
  /** The caller's own, any JSON; kept in the manifest. */
  readonly metadata?: unknown
  /** Packs every file with gzip. Packed files can still be linked from one packed backup to the next. Default false. */
  readonly compress?: boolean
}

export interface RestoreOptions extends BackupCallOptions {
  /** Takes a backup although its digests say that it is not what was backed up. Default false. */
  readonly skipVerify?: boolean
}

export interface PruneOptions extends BackupCallOptions {
  /** How many of the newest stay. The newest whole one stays in any case. */
  readonly keep: number
}

/**
 * Verified copies of all stores at one moment, in `.moult/backups/`. None of this looks at markers or steps: it works
 * whatever the state is, also from an older program than the one that made a backup.
 */
export interface Backups {
  /**
   * Copies all stores beside the programs that use them, and reads the copies back. A crash leaves nothing that looks
   * like a backup. Throws IN_USE, NO_SPACE, DISK_FAILED, BACKUP_FAILED.
   */
  create(options?: BackupOptions): Promise<BackupInfo>
  /** All of them, the oldest first. One whose manifest cannot be read is left out; `verify` names it. */
  list(): Promise<readonly BackupInfo[]>
  /** Reads all of a backup, or of every one: what is not as it was made. Throws BACKUP_UNKNOWN. */
  verify(id?: string): Promise<readonly Problem[]>
  /**
   * Puts a backup in the place of the state, all stores of it or none. What is there is kept as a backup of its own, the
   * report's `backup`. A crash leaves one or the other, once the next start has finished or undone it. Throws
   * BACKUP_UNKNOWN, BACKUP_BAD, IN_USE, LOCKED, NO_SPACE.
   */
  restore(id: string, options?: RestoreOptions): Promise<RunReport>
  /** Removes all but the newest. */
  prune(options: PruneOptions): Promise<{ readonly removed: readonly string[]; readonly freed: number }>
}

type MakeWork = (options: BackupCallOptions) => Promise<BackupWork>

const calls = ['waitMs', 'onEvent', 'signal']

/** A disk's error in moult's words, whichever of its files it was. */
async function explained<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const { diskFailure } = await import('./disk/failures.js')
    throw diskFailure(error, 'Reading or writing backups')
  }
}

export function makeBackups(workOf: MakeWork): Backups {
  return Object.freeze({
    create: async (options: BackupOptions = {}) => {
      checkOptions('backups.create', options, ['reason', 'metadata', 'compress', ...calls])
      const metadata = checkMetadata(options.metadata)
      const { createBackup } = await import('./backup/create.js')
      const asked = {
        cause: 'command',
        reason: options.reason ?? null,
        metadata,
        compress: options.compress ?? false,
      } as const
      return explained(async () => createBackup(await workOf(options), asked))
    },
    list: async () => {
      const { listBackups } = await import('./backup/list.js')
      return explained(async () => listBackups((await workOf({})).scene))
    },
    verify: async (id?: string) => {
      const { verifyBackups } = await import('./backup/list.js')
      return explained(async () => verifyBackups(await workOf({}), id ?? null))
    },
    restore: async (id: string, options: RestoreOptions = {}) => {
      checkOptions('backups.restore', options, ['skipVerify', ...calls])
      const { restoreBackup } = await import('./backup/restore.js')
      const asked = { id, skipVerify: options.skipVerify ?? false }
      return explained(async () => restoreBackup(await workOf(options), asked))
    },
    prune: async (options: PruneOptions) => {
      checkOptions('backups.prune', options, ['keep', ...calls])
      if (!Number.isInteger(options.keep) || options.keep < 0)
        throw new TypeError(`backups.prune: keep is how many stay, not ${String(options.keep)}`)
      const { pruneBackups } = await import('./backup/prune.js')
      return explained(async () => pruneBackups(await workOf(options), options.keep))
    },
  })
}

/** As it will be read back. */
function checkMetadata(metadata: unknown): unknown {
  if (metadata === undefined) return null
  const text: string | undefined = JSON.stringify(metadata)
  if (text === undefined) throw new TypeError('backups.create: metadata must be something that JSON can hold')
  return JSON.parse(text) as unknown
}
