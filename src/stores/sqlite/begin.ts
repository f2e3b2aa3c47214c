import { commitTable } from '../../drivers/commit-record.js'
import { setTimeout as sleep } from 'node:timers/promises'
import { disk } from '../../disk/disk.js'
import { makeDurable } from '../../drivers/durable.js'
import type { Connection, Driver } from '../../model/driver.js'
import { MoultFailure, systemCode } from '../../model/errors.js'
import type { Marker } from '../../model/marker.js'
import type { Place, RunScope, StoreTransaction } from '../../model/store.js'
import { quoteName } from './identifier.js'
import { parseMarkerRows, tableExists } from './marker-table.js'
import type { SqliteOwn } from './own.js'
import { fileAt, watchFile } from './same-file.js'
import { openTransaction } from './transaction.js'
import { rememberUntouched } from './untouched.js'
import type { Untouched } from './untouched.js'

const pollMs = 25

/**
 * Opens the database for a run and takes its write lock. Foreign keys are off, which SQLite only accepts outside a
 * transaction; the marker is read again inside, since only now nobody can change it (K2).
 */
export async function beginTransaction(
  place: Place,
  run: RunScope,
  expected: Marker | null,
): Promise<StoreTransaction> {
  const driver = await run.driver()
  const path = realPathOf(place)
  const untouched = rememberUntouched(path)
  untouched.makeFolder()
  const before = fileAt(place.path)
  const connection = openOrPutBack(driver, path, untouched)
  const transaction = openTransaction({
    place,
    connection,
    driver,
    path,
    untouched,
    findReplaced: watchFile(place, before),
    waitMs: run.waitMs,
    signal: run.signal,
  })
  const waiting = { store: place.spec.name, path: place.spec.path, waitMs: run.waitMs, signal: run.signal }
  try {
    await retryWhileBusy(waiting, () => makeDurable(connection))
    connection.exec('PRAGMA foreign_keys = OFF')
    if (connection.prepare('PRAGMA foreign_keys').get([])?.['foreign_keys'] !== 0)
      throw new TypeError(`foreign keys of ${place.spec.name} stay on`)
    await retryWhileBusy(waiting, () => connection.exec('BEGIN IMMEDIATE'))
    untouched.lock()
    if (expected !== null || run.replacesMarker !== true) checkMarker(connection, place, expected)
  } catch (error) {
    await transaction.rollback()
    throw error
  }
  return transaction
}

function openOrPutBack(driver: Driver, path: string, untouched: Untouched): Connection {
  try {
    return driver.open(path, { readOnly: false })
  } catch (error) {
    untouched.putBack()
    throw error
  }
}

/** A database may be a symlink inside the root; its sidecars lie beside the real file (protocol 13). */
function realPathOf(place: Place): string {
  try {
    return disk.realpath(place.path)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return place.path
    throw error
  }
}

interface Waiting {
  /** Of the store, and its path, for messages. */
  readonly store: string
  readonly path: string
  readonly waitMs: number
  readonly signal: AbortSignal
}

/** SQLite's own waiting would block the event loop, so it is told not to wait and asked again. */
export async function retryWhileBusy(waiting: Waiting, action: () => void): Promise<void> {
  const started = performance.now()
  for (;;) {
    try {
      action()
      return
    } catch (error) {
      if (!systemCode(error).startsWith('SQLITE_BUSY')) throw error
      const waitedMs = performance.now() - started
      if (waitedMs >= waiting.waitMs) throw inUse(waiting, waitedMs, error)
    }
    await sleep(pollMs, undefined, { signal: waiting.signal })
  }
}

function inUse({ store, path }: Waiting, waitedMs: number, cause: unknown): MoultFailure<'IN_USE'> {
  return new MoultFailure('IN_USE', {
    message: `The database of '${store}' (${path}) is locked by another program.`,
    hint: 'Close the programs that use it; in this process, open the state before you open its databases.',
    details: { holder: null, waitedMs: Math.round(waitedMs) },
    cause,
  })
}

function checkMarker(connection: Connection, place: Place, expected: Marker | null): void {
  const { table } = place.spec.own as SqliteOwn
  const rows = tableExists(connection, table) ? connection.prepare(`SELECT * FROM ${quoteName(table)}`).all([]) : null
  const commits = tableExists(connection, commitTable)
    ? connection.prepare(`SELECT id, by FROM ${commitTable}`).all([])
    : []
  const parsed = rows ? parseMarkerRows(place.spec.name, rows, commits) : { marker: null }
  if (
    'marker' in parsed &&
    JSON.stringify(parsed.marker?.entries ?? null) === JSON.stringify(expected?.entries ?? null)
  )
    return
  throw new MoultFailure('STORE_CHANGED', {
    message: `The marker of '${place.spec.name}' changed while the run was about to begin. Nothing was changed.`,
    hint: 'A program without moult, or one that does not take its lock, changed it. Try again.',
    details: { store: place.spec.name },
  })
}
