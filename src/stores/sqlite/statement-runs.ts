import type { Row, SqlValue } from '../../drivers/driver.js'
import type { Prepared, StepSession } from './step-session.js'

/** All rows of a statement. One that changes rows and returns them returns each changed row once: they are counted. */
export function allRows(session: StepSession, { statement, isChange }: Prepared, params: readonly SqlValue[]): Row[] {
  const rows = session.perform(() => statement.all(params))
  if (isChange) session.countChanges(rows.length)
  return rows
}

/** Runs a statement to its end, throws its rows away if it has any, and returns how many it changed. */
export function runToEnd(session: StepSession, prepared: Prepared, params: readonly SqlValue[]): number {
  const { statement, hasRows, isChange } = prepared
  if (hasRows) {
    const { length } = allRows(session, prepared, params)
    return isChange ? length : 0
  }
  const { changes } = session.perform(() => statement.run(params))
  // For any other statement SQLite still has the count of the last one that did change rows.
  if (!isChange) return 0
  session.countChanges(changes)
  return changes
}
