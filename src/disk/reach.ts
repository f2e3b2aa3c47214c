import { join } from 'node:path'
import { systemCode } from '../model/errors.js'
import { disk } from './disk.js'

/**
 * Whether files can be renamed from `folder` into `directory`. Device numbers do not say (two bind mounts of one file
 * system have the same), so a rename is tried, one that cannot succeed and leaves no trace: of a name that does not
 * exist, to `.`. Linux compares the mounts before anything else. What this misses (quota projects) the commit copies.
 */
export function isReachable(folder: string, directory: string): boolean {
  if (disk.stat(folder).dev !== disk.stat(directory).dev) return false
  try {
    disk.rename(join(folder, 'nothing'), `${directory}/.`)
    return true
  } catch (error) {
    return systemCode(error) !== 'EXDEV'
  }
}
