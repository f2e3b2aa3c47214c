import { randomBytes } from 'node:crypto'
import { basename, dirname, join } from 'node:path'
import { disk } from './disk.js'
import { openPlainFile } from './read-file.js'
import { syncDirectory } from './sync-directory.js'
import { writeFully } from './write-file.js'

const chunkBytes = 1_048_576

/**
 * Copies a plain file over `to`, durably and at once, with its mode, owner and times (to 0.2 microseconds). A crash
 * leaves what was there before, and at worst a `.<name>.<random>.moult-tmp` beside it.
 */
export function copyFile(from: string, to: string): void {
  const source = openPlainFile(from)
  try {
    const stats = disk.fstat(source)
    const temporary = join(dirname(to), `.${basename(to)}.${randomBytes(6).toString('hex')}.moult-tmp`)
    const fd = disk.open(temporary, 'wx', 0o600)
    try {
      try {
        const buffer = Buffer.allocUnsafe(chunkBytes)
        for (let count = 1; count > 0;) {
          count = disk.read(source, buffer, 0, chunkBytes, null)
          writeFully(fd, buffer.subarray(0, count))
        }
        const made = disk.fstat(fd)
        if (made.uid !== stats.uid || made.gid !== stats.gid)
          disk.chown(temporary, Number(stats.uid), Number(stats.gid))
        disk.chmod(temporary, Number(stats.mode) & 0o7777)
        disk.utimes(temporary, Number(stats.atimeNs) / 1e6, Number(stats.mtimeNs) / 1e6)
        disk.fsync(fd)
      } finally {
        disk.close(fd)
      }
      disk.rename(temporary, to)
    } catch (error) {
      try {
        disk.unlink(temporary)
      } catch {
        // The first error says more; the name is one that walks pass over.
      }
      throw error
    }
  } finally {
    disk.close(source)
  }
  syncDirectory(dirname(to))
}
