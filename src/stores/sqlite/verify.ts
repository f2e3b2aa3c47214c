import { disk } from '../../disk/disk.js'
import { stampOf } from '../../disk/pin.js'
import type { Connection } from '../../model/driver.js'
import { systemCode } from '../../model/errors.js'
import type { Problem } from '../../model/report.js'
import type { Place, VerifyScope } from '../../model/store.js'
import { foreignKeyViolations, isMismatch } from './foreign-keys.js'
import { checkIntegrity } from './integrity.js'
import { peek } from './peek.js'
import { rememberUntouched } from './untouched.js'

/** `integrity_check` and foreign keys, through SQLite. What opening would change is refused, or put back. */
export async function verifyDatabase(place: Place, scope: VerifyScope): Promise<readonly Problem[]> {
  const seen = await peek(place.path, [])
  if (seen.state !== 'database') return []
  if (seen.hot)
    return [
      problem(
        place,
        'STORE_UNREADABLE',
        'a program was cut off while it wrote to it, and nothing has opened it since; its content was not checked',
        'Start the app, or upgrade: SQLite rolls it back when it is opened.',
      ),
    ]
  const path = disk.realpath(place.path)
  const untouched = rememberUntouched(path)
  // A WAL database without its log cannot be read without making one; one with a log must not be moved into the file
  const readOnly = seen.journalMode !== 'wal' || stampOf(`${path}-wal`) !== '-'
  const driver = await scope.driver()
  let connection: Connection | null = null
  try {
    connection = driver.open(path, { readOnly })
    connection.exec('BEGIN')
    return check(connection, place)
  } catch (error) {
    if (systemCode(error).startsWith('SQLITE_BUSY'))
      return [
        problem(
          place,
          'IN_USE',
          'it is locked by another program and was not checked',
          'Try again when that program is done.',
        ),
      ]
    return [
      problem(
        place,
        'STORE_UNREADABLE',
        `SQLite cannot read it (${systemCode(error) || 'unknown error'})`,
        'Bring this database back from a copy.',
      ),
    ]
  } finally {
    if (connection?.inTransaction) connection.exec('ROLLBACK')
    connection?.close()
    if (!readOnly) untouched.putBack()
  }
}

function check(connection: Connection, place: Place): Problem[] {
  const integrity = checkIntegrity(connection, 20)
  const damage = integrity.damage.map((result) =>
    problem(place, 'STORE_UNREADABLE', `integrity_check says: ${result}`, 'Bring this database back from a copy.'),
  )
  if (integrity.missing !== null)
    damage.push(
      problem(
        place,
        'STORE_UNREADABLE',
        `not all of it could be checked, because it uses what only the app has (${integrity.missing})`,
        'Nothing is known to be wrong. For the rest run PRAGMA integrity_check in the app, where that function or collation is.',
      ),
    )
  const { byKey } = foreignKeyViolations(connection)
  const broken = [...byKey.values()].map((each) =>
    isMismatch(each)
      ? problem(
          place,
          'FOREIGN_KEYS_BROKEN',
          `a foreign key of ${each.table} points at columns that are no key of their table, so its rows cannot be checked`,
          'It was so before moult looked; make those columns the primary key, or give them a unique index.',
        )
      : problem(
          place,
          'FOREIGN_KEYS_BROKEN',
          `${each.count} rows of ${each.table}(${each.columns.join(', ')}) point at rows of ${each.parent} that are not there`,
          'They were there before moult looked; delete or mend those rows.',
        ),
  )
  return [...damage, ...broken]
}

function problem(place: Place, code: Problem['code'], what: string, hint: string): Problem {
  return {
    store: place.spec.name,
    code,
    message: `The database of '${place.spec.name}' (${place.spec.path}): ${what}.`,
    hint,
  }
}
