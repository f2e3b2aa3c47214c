import { requireSpace } from '../disk/free-space.js'
import { stagingPlaces } from '../disk/staging.js'
import type { PlanItem } from '../model/plan.js'
import { storesOf } from '../model/segments.js'
import { databaseBytes } from './database-bytes.js'
import { intendedSteps } from './intended-steps.js'
import { openJournal, writeBallast } from './journal.js'
import type { Scene } from './places.js'
import type { RunLock } from './run-lock.js'
import { placeFor } from './work.js'

const ballastBytes = 1024 * 1024

/**
 * What would fail anyway fails here, before a step has run: not enough space for one large transaction, no permission
 * to write. Then the run is written down; from here on the state is unfinished until the run ends.
 */
export function preflight(scene: Scene, items: readonly PlanItem[], lock: RunLock): void {
  const stores = [...new Set(items.flatMap(storesOf))].map((store) => placeFor(scene, store))
  const databases = stores.filter(({ spec }) => spec.extent.is === 'database')
  // Where the marker alone changes, a database needs no room to speak of
  const steps = new Set(items.filter(({ action }) => !['accept', 'stamp'].includes(action)).flatMap(storesOf))
  const changing = databases.filter(({ spec }) => steps.has(spec.name))
  // SQLite writes each page that changes once more: into its rollback journal or its log
  requireSpace(scene.root, { what: `A run in ${scene.root}`, bytes: databaseBytes(changing) + 2 * ballastBytes })
  lock.fence()
  openJournal(scene, {
    moult: 1,
    run: lock.runId,
    app: scene.spec.app,
    appVersion: scene.spec.appVersion,
    startedAt: new Date().toISOString(),
    databases: databases.map(({ spec }) => spec.path),
    staging: stores.flatMap(({ spec, claim }) =>
      spec.extent.is === 'database' ? [] : stagingPlaces(spec.name, claim.base),
    ),
    steps: items.flatMap(intendedSteps),
  })
  writeBallast(scene)
}
