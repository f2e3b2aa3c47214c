import { fileURLToPath } from 'node:url'
import { disk } from '../../disk/disk.js'
import { runScript } from '../../disk/run-script.js'
import type { Driver } from '../../model/driver.js'
import { checkHere } from './check-here.js'

/** Below this it takes less time than a process, and blocks the event loop for less than a tenth of a second. */
const smallBytes = 16 << 20

/**
 * What `integrity_check` finds in a copy in rollback format that nobody else has open: a sentence, or null. A large one
 * is checked by a process of its own, since SQLite would keep this one's event loop for seconds; where that cannot be,
 * here.
 */
export async function checkCopy(path: string, driver: () => Promise<Driver>): Promise<string | null> {
  if (Number(disk.stat(path).size) < smallBytes) return checkHere(path, await driver())
  const script = fileURLToPath(new URL('./check-child.js', import.meta.url))
  try {
    return (JSON.parse((await runScript(script, [path])).toString('utf8')) as { readonly damage: string | null }).damage
  } catch {
    return checkHere(path, await driver())
  }
}
