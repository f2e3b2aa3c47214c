import { systemCode } from '../model/errors.js'
import { disk } from './disk.js'

/**
 * Makes the entries of a directory durable. Windows cannot (protocol 23), and some network file systems answer
 * EINVAL: there nothing more can be had.
 */
export function syncDirectory(path: string): void {
  if (process.platform === 'win32') return
  const fd = disk.open(path, 'r')
  try {
    disk.fsync(fd)
  } catch (error) {
    if (systemCode(error) !== 'EINVAL') throw error
  } finally {
    disk.close(fd)
  }
}
