import type { DatabaseCode } from '../model/database-code.js'
import type { Driver } from '../model/driver.js'
import type { Listener } from '../model/events.js'
import type { Scene } from '../engine/places.js'

/** What every command on backups works with. */
export interface BackupWork {
  readonly scene: Scene
  readonly driver: () => Promise<Driver>
  readonly databases: () => Promise<DatabaseCode>
  readonly waiting: {
    readonly waitMs: number
    readonly signal: AbortSignal
    readonly onWaiting: (holder: string | null, ms: number) => void
  }
  readonly signal: AbortSignal
  readonly onEvent: Listener
}
