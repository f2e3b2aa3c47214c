import type { Listener } from '../model/events.js'
import { noChanges } from '../model/report.js'
import { restored, tryToAppend } from './history.js'
import type { HistoryEntry } from './history.js'
import type { RunHeader } from './journal.js'
import type { Scene } from './places.js'

/** From now on the history does not say that a store had a marker that the backup does not have. */
export function writeRestored(scene: Scene, onEvent: Listener, header: RunHeader): void {
  const { run, app, appVersion, restores } = header
  if (restores === undefined) return
  const lines = restores.stores.map(({ name, version }): HistoryEntry => ({
    at: new Date().toISOString(),
    run,
    app,
    appVersion,
    store: name,
    track: '',
    step: restored,
    direction: 'down',
    result: version === null ? 'undone' : 'done',
    ms: 0,
    changes: noChanges,
    checksum: null,
    reason: `backup ${restores.backup}`,
  }))
  tryToAppend(scene, onEvent, lines)
}
