import type { Listener } from '../model/events.js'
import { noChanges } from '../model/report.js'
import { appendHistory, restored, tryToAppend } from './history.js'
import type { HistoryEntry } from './history.js'
import type { RunHeader } from './journal.js'
import type { Scene } from './places.js'

/**
 * From now on the history does not say that a store had a marker that the backup does not have. While the journal is
 * still there: without these lines such a store's marker would count as lost, so that it throws where they cannot be
 * written. What else the history has of a restore is only a log.
 */
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
  if (restores.stores.some(({ version }) => version === null)) appendHistory(scene, lines)
  else tryToAppend(scene, onEvent, lines)
}
