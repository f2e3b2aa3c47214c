import { randomBytes } from 'node:crypto'
import type { BigIntStats } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { systemCode } from '../model/errors.js'
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
  const temporary = temporaryName(path)
  try {
    writeLike(temporary, typeof data === 'string' ? Buffer.from(data) : data, before, options.mode)
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

export interface AddedFile {
  readonly data: Uint8Array
  readonly like: BigIntStats
  /** In the same directory: the file that the temporary name is made of. */
  readonly beside: string
}

/**
 * Puts `data` at `path` durably, as `like` is (owner, mode, mtime), unless a file is there already: false. A crash leaves
 * all of it or none, and at worst a temporary file beside it, as `replaceFile` does. Throws `FILE_UNSUPPORTED` if what is
 * there is no plain file.
 */
export function addFile(path: string, { data, like, beside }: AddedFile): boolean {
  const there = lstatIfAny(path)
  if (there?.isFile() === true) return false
  if (there !== null) throw unsupportedFile(path, 'not a plain file')
  const temporary = temporaryName(beside)
  try {
    writeLike(temporary, data, like)
    disk.utimes(temporary, Number(like.atimeNs) / 1e6, Number(like.mtimeNs) / 1e6)
    if (!linkIfFree(temporary, path)) return false
  } finally {
    tryUnlink(temporary)
  }
  syncDirectory(dirname(path))
  return true
}

/** A link never takes the place of a file. Where there are none, a rename does: only in the moment after a look. */
function linkIfFree(from: string, to: string): boolean {
  try {
    disk.link(from, to)
    return true
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false
    if (lstatIfAny(to) !== null) return false
    disk.rename(from, to)
    return true
  }
}

function temporaryName(path: string): string {
  return join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.moult-tmp`)
}

/** A new file, fsynced, with the owner and the mode of `like`; without that, with `mode`. */
function writeLike(path: string, data: Uint8Array, like: BigIntStats | null, mode?: number): void {
  const fd = disk.open(path, 'wx', like === null ? (mode ?? 0o666) : 0o600)
  try {
    writeFully(fd, data)
    if (like !== null) {
      const made = disk.fstat(fd)
      if (made.uid !== like.uid || made.gid !== like.gid) disk.chown(path, Number(like.uid), Number(like.gid))
      disk.chmod(path, Number(like.mode) & 0o7777)
    } else if (mode !== undefined) {
      disk.chmod(path, mode)
    }
    disk.fsync(fd)
  } finally {
    disk.close(fd)
  }
}

function tryUnlink(path: string): void {
  try {
    disk.unlink(path)
  } catch {
    // The first error says more; the name is one that walks pass over.
  }
}
