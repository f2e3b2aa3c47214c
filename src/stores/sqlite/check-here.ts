import type { Driver } from '../../model/driver.js'
import { systemCode } from '../../model/errors.js'
import { checkIntegrity } from './integrity.js'

/**
 * As `checkCopy`, in this process. For want of a function or collation that only the app has, indexes go unchecked: that
 * is no damage.
 */
export function checkHere(path: string, driver: Driver): string | null {
  try {
    const connection = driver.open(path, { readOnly: true })
    try {
      const [damage] = checkIntegrity(connection, 1).damage
      return damage === undefined ? null : `integrity_check says: ${damage}`
    } finally {
      connection.close()
    }
  } catch (error) {
    const code = systemCode(error)
    if (!code.startsWith('SQLITE_')) throw error
    return `SQLite cannot read it (${code})`
  }
}
