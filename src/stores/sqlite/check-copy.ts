import { fileURLToPath } from 'node:url'
import { throwIfAborted } from '../../disk/breathe.js'
import { disk } from '../../disk/disk.js'
import { runScript } from '../../disk/run-script.js'
import type { CheckedCopy } from '../../model/database-code.js'
import type { Driver } from '../../model/driver.js'
import { checkHere } from './check-here.js'

/** Below this it takes less time than a process, and blocks the event loop for less than a tenth of a second. */
const smallBytes = 16 << 20

/**
 * What `integrity_check` finds in a copy in rollback format that nobody else has open. A large one is checked by a
 * process of its own, since SQLite would keep this one's event loop for seconds, and there it is also made durable and
 * read back; where that cannot be, here.
 */
export async function checkCopy(
  path: string,
  driver: () => Promise<Driver>,
  signal: AbortSignal,
): Promise<CheckedCopy> {
  const here = async (): Promise<CheckedCopy> => ({ damage: checkHere(path, await driver()), readBack: null })
  if (Number(disk.stat(path).size) < smallBytes) return await here()
  const script = fileURLToPath(new URL('./check-child.js', import.meta.url))
  let found: CheckedCopy | { readonly failure: string }
  // The kernel tells of a failed write once, but each descriptor that was open before
  const fd = disk.open(path, 'r')
  try {
    found = JSON.parse((await runScript(script, [path], { signal })).toString('utf8')) as typeof found
  } catch {
    throwIfAborted(signal)
    disk.fsync(fd)
    return await here()
  } finally {
    disk.close(fd)
  }
  if (!('failure' in found)) return found
  throw Object.assign(new Error(`${found.failure}: it could not be made durable, fsync '${path}'`), {
    code: found.failure,
    path,
  })
}
