import { join } from 'node:path'
import { systemCode } from '../model/errors.js'
import { breathe } from './breathe.js'
import { disk } from './disk.js'
import { isAbsent } from './identity.js'

/** Deletes a file or a directory with all that is in it. Symlinks are deleted, never followed. Missing is fine. */
export async function removeTree(path: string): Promise<void> {
  try {
    disk.unlink(path)
    return
  } catch (error) {
    if (isAbsent(error)) return
    // POSIX says EPERM for a directory, Linux EISDIR.
    if (!['EISDIR', 'EPERM'].includes(systemCode(error)) || !disk.lstat(path).isDirectory()) throw error
  }
  for (const entry of disk.readdir(path)) {
    await breathe()
    const child = join(path, entry.name)
    if (entry.isDirectory()) await removeTree(child)
    else disk.unlink(child)
  }
  disk.rmdir(path)
}
