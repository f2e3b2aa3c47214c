import { commitTable, forgetCommit, recordCommit } from '../../drivers/commit-record.js'
import type { Connection } from '../../model/driver.js'
import { MoultFailure } from '../../model/errors.js'
import type { Applied, CommitBySelf, Place, StepContext, StoreTransaction, View } from '../../model/store.js'
import type { Step } from '../../model/step.js'
import { commitTransaction } from './commit.js'
import { makeDb } from './db-handle.js'
import { openView } from './view.js'
import { watchForeignKeys } from './foreign-key-watch.js'
import { quoteName } from './identifier.js'
import { createMarkerTable, openMarkerTable, tableExists } from './marker-table.js'
import type { MarkerWriter } from './marker-table.js'
import { replaceMarker } from './replace-marker.js'
import { revertStep, runStep } from './run-step.js'
import type { Breach } from './run-step.js'
import type { OpenDatabase } from './open-database.js'
import type { SqliteOwn } from './own.js'

/** A run's transaction on one database: steps, marker rows and commit ids, all or nothing. */
export function openTransaction(open: OpenDatabase): StoreTransaction {
  const { place, connection } = open
  const own = place.spec.own as SqliteOwn
  const markerTables = [own.table, commitTable]
  const foreignKeys = watchForeignKeys(connection, place.spec.name)
  const breaches: Breach[] = []
  let writtenBy: string | null = null
  let isClosed = false
  let isCommitted = false
  let cause: unknown
  let marker: MarkerWriter | null = null
  let version = 0
  // A commit that was rolled back took the table with it, if this run made it
  const readRows = (): string =>
    JSON.stringify(
      markerTables.map((table) =>
        tableExists(connection, table) ? connection.prepare(`SELECT * FROM ${quoteName(table)}`).all([]) : null,
      ),
      asText,
    )
  const countVersion = (): number =>
    Number(connection.prepare(`SELECT count(*) AS n FROM ${quoteName(own.table)} WHERE track = ''`).get([])?.['n'] ?? 0)

  const markerWriter = (): MarkerWriter => {
    if (!marker) {
      createMarkerTable(connection, own.table)
      marker = openMarkerTable(connection, own.table)
      version = countVersion()
    }
    return marker
  }

  const close = (): void => {
    if (!isClosed) connection.close()
    isClosed = true
  }

  const commit: CommitBySelf = {
    by: 'itself',
    path: place.spec.path,
    cause: () => cause,
    commit: async (id, check = () => undefined) => {
      const marked = readRows()
      const result = await commitTransaction(open, id, { hasMarker: () => readRows() === marked, check })
      isCommitted = result.outcome === 'committed'
      cause = result.cause
      return result.outcome
    },
  }

  return {
    store: place.spec.name,
    commit,
    apply: (step: Step, stores: Readonly<Record<string, unknown>>, context: StepContext): Promise<Applied> =>
      runStep({ connection, place, step, stores, context, markerTables, foreignKeys, breaches }),
    revert: (step: Step, stores: Readonly<Record<string, unknown>>, context: StepContext): Promise<Applied> =>
      revertStep({ connection, place, step, stores, context, markerTables, foreignKeys, breaches }),
    applyFlat: async () => {
      const handle = makeDb(connection, {
        storeName: place.spec.name,
        stepName: `${place.spec.name}/flat schema`,
        markerTables,
        writable: true,
      })
      try {
        handle.db.exec(own.flatSql ?? '')
      } finally {
        handle.expire()
      }
      return { result: 'done', changes: { filesAdded: 0, filesChanged: 0, filesRemoved: 0, records: 0, rows: 0 } }
    },
    view: (_at: number, access: 'read' | 'write', by: string): View => {
      if (access === 'write') {
        foreignKeys.begin()
        writtenBy = by
      }
      return openView(connection, {
        storeName: place.spec.name,
        stepName: by,
        markerTables,
        writable: access === 'write',
      })
    },
    mark: (entries, touches) => {
      const { write } = markerWriter()
      for (const entry of entries) {
        write(entry)
        if (entry.track === '') version++
      }
      for (const touch of touches) recordCommit(connection, touch.commit, touch.by)
    },
    unmark: (entries, touches) => {
      const { remove } = markerWriter()
      for (const entry of entries) {
        remove(entry)
        if (entry.track === '') version--
      }
      for (const touch of touches) forgetCommit(connection, touch.commit, touch.by)
    },
    remark: (change) => {
      replaceMarker(connection, { store: place.spec.name, table: own.table }, change)
      marker = openMarkerTable(connection, own.table)
      version = countVersion()
    },
    prepare: async () => {
      if (!connection.inTransaction) throw lost(place)
      const replaced = open.findReplaced()
      if (replaced !== null) throw replaced
      for (const breach of breaches) {
        const failure = breach()
        if (failure) throw failure
      }
      if (writtenBy !== null) foreignKeys.check(writtenBy)
      if (own.userVersion !== null && marker) connection.exec(`PRAGMA user_version = ${version + own.userVersion}`)
    },
    rollback: async () => {
      if (isClosed) return
      if (isCommitted) return close()
      // Whatever the disk says meanwhile: a lock that stays would keep out everybody until this process ends
      try {
        if (connection.inTransaction) rollBack(open)
        else rollBackJournal(connection)
        closeUntouched(open, close)
      } finally {
        close()
      }
    },
    close: async () => close(),
  }
}

function rollBack({ connection, findReplaced, untouched }: OpenDatabase): void {
  try {
    // A log beside another file may be that one's
    if (findReplaced() === null) untouched.cutLog()
  } finally {
    connection.exec('ROLLBACK')
  }
}

function asText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}

/**
 * Where the disk failed a statement, SQLite leaves its journal for whoever reads next. That should be us: until then
 * the file's own bytes are half of a step, and somebody may copy it.
 */
function rollBackJournal(connection: Connection): void {
  try {
    connection.prepare('SELECT 1 FROM sqlite_schema').get([])
  } catch {
    // The journal stays, and whoever opens the database next has the rows from it.
  }
}

/**
 * Whoever closes a WAL database last moves its log into the file. Where a log was there before, a read-only connection
 * closes last: it cannot.
 */
function closeUntouched({ driver, path, untouched, findReplaced }: OpenDatabase, close: () => void): void {
  if (findReplaced() !== null) return close()
  if (untouched.hadLog()) {
    const keeper = driver.open(path, { readOnly: true })
    try {
      keeper.prepare('SELECT 1 FROM sqlite_schema').get([])
      close()
    } finally {
      keeper.close()
    }
  } else close()
  untouched.putBack()
}

function lost(place: Place): MoultFailure<'TRANSACTION_LOST'> {
  return new MoultFailure('TRANSACTION_LOST', {
    message: `The transaction on '${place.spec.name}' ended before the run did; SQLite has rolled it back.`,
    hint: 'A statement ended it (OR ROLLBACK, a full disk, an I/O error). Mend that and try again.',
    details: { store: place.spec.name },
  })
}
