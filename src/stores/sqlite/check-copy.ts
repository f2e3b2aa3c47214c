import type { Driver } from '../../model/driver.js'
import { systemCode } from '../../model/errors.js'
import { checkIntegrity } from './integrity.js'

/**
 * What `integrity_check` finds in a copy in rollback format that nobody else has open: a sentence, or null. For want of
 * a function or collation that only the app has, indexes go unchecked: that is no damage.
 */
export async function checkCopy(path: string, driver: () => Promise<Driver>): Promise<string | null> {
  try {
    const connection = (await driver()).open(path, { readOnly: true })
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
