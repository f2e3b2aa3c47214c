import type { Driver } from '../../model/driver.js'
import { systemCode } from '../../model/errors.js'

/** What `integrity_check` finds in a copy in rollback format that nobody else has open: a sentence, or null. */
export async function checkCopy(path: string, driver: () => Promise<Driver>): Promise<string | null> {
  try {
    const connection = (await driver()).open(path, { readOnly: true })
    try {
      const found = connection.prepare('PRAGMA integrity_check(1)').get([])?.['integrity_check']
      return found === 'ok' ? null : `integrity_check says: ${String(found)}`
    } finally {
      connection.close()
    }
  } catch (error) {
    const code = systemCode(error)
    if (!code.startsWith('SQLITE_')) throw error
    return `SQLite cannot read it (${code})`
  }
}
