import { randomBytes } from 'node:crypto'
import { basename, dirname, join } from 'node:path'
import { disk } from './disk.js'
import { changedFile, unsupportedFile } from './failures.js'
import { identityOf, lstatIfAny } from './identity.js'
import { syncDirectory } from './sync-directory.js'

export interface ReplaceOptions {
  /** Of a new file; the default is what the umask makes of 0666. A replaced file keeps its mode. */
  readonly mode?: number
  /** What `identityOf` said of the file when it was read, or null if there was none: another one is `STORE_CHANGED`. */
  readonly expect?: string | null
}

/** Writes all of `data`, in as many writes as it takes. */
export function writeFully(fd: number, data: Uint8Array): void {
  let done = 0
  while (done < data.length) done += disk.write(fd, data, done, data.length - done, null)
}

/**
 * Puts `data` in the place of the file at `path`, durably: a crash leaves the old bytes or the new ones, and at worst
 * a file `.<name>.<random>.moult-tmp` beside it, which walks pass over. Mode and owner of a replaced file are kept.
 * Throws `FILE_UNSUPPORTED` unless `path` is a plain file or free.
 */
export function replaceFile(path: string, data: Uint8Array | string, options: ReplaceOptions = {}): void {
  const before = lstatIfAny(path)
  if (before !== null && !before.isFile()) {
    throw unsupportedFile(path, before.isSymbolicLink() ? 'a symlink' : 'not a plain file')
  }
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.moult-tmp`)
  const mode = before === null ? (options.mode ?? 0o666) : 0o600
  const fd = disk.open(temporary, 'wx', mode)
  try {
    try {
      writeFully(fd, typeof data === 'string' ? Buffer.from(data) : data)
      if (before !== null) {
        const made = disk.fstat(fd)
        if (made.uid !== before.uid || made.gid !== before.gid) {
          disk.chown(temporary, Number(before.uid), Number(before.gid))
        }
        disk.chmod(temporary, Number(before.mode) & 0o7777)
      } else if (options.mode !== undefined) {
        disk.chmod(temporary, options.mode)
      }
      disk.fsync(fd)
    } finally {
      disk.close(fd)
    }
    if (options.expect !== undefined) {
      const now = lstatIfAny(path)
      if ((now === null ? null : identityOf(now)) !== options.expect) throw changedFile(path, 'was changed')
    }
    disk.rename(temporary, path)
  } catch (error) {
    tryUnlink(temporary)
    throw error
  }
  syncDirectory(dirname(path))
}

function tryUnlink(path: string): void {
  try {
    disk.unlink(path)
  } catch {
    // The first error says more; the name is one that walks pass over.
  }
}
