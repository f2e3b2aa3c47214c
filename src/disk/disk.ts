import type { BigIntStats } from 'node:fs'
import { nameEntries } from './undecodable-names.js'
import type { DirectoryEntry } from './undecodable-names.js'

// An import would run every getter of the module, and with them load streams and promises: a tenth of a start-up check
const fs = process.getBuiltinModule('node:fs')

/** The flags of `open` on this platform. */
export const openFlags: Readonly<typeof fs.constants> = fs.constants

/**
 * Every operation moult makes on a file system, one method each. This is the fault seam: nothing else in moult uses
 * `node:fs`, so a replacement sees, counts and can fail each of them. Operations are synchronous: small files are
 * several times faster so, their order is exact, and whoever makes many of them gives way to the event loop between
 * (`breathe`).
 */
export interface Disk {
  open(path: string, flags: string | number, mode?: number): number
  close(fd: number): void
  /** Bytes read; 0 at the end. */
  read(fd: number, buffer: Uint8Array, offset: number, length: number, position: number | null): number
  /** Bytes written, which may be fewer than asked for. */
  write(fd: number, buffer: Uint8Array, offset: number, length: number, position: number | null): number
  truncate(fd: number, length: number): void
  fsync(fd: number): void
  fstat(fd: number): BigIntStats
  stat(path: string): BigIntStats
  lstat(path: string): BigIntStats
  readdir(path: string): DirectoryEntry[]
  mkdir(path: string, mode?: number): void
  rmdir(path: string): void
  rename(from: string, to: string): void
  link(from: string, to: string): void
  /** Makes a symlink at `path`. Only in folders of moult's own. */
  symlink(target: string, path: string): void
  unlink(path: string): void
  /** A reference to a file, whatever happens to its name; null where there are none. Neither reads nor locks. */
  hold(path: string): number | null
  /** Lets go of what `hold` gave. What had no name left is freed on another thread. */
  letGo(held: number): Promise<void>
  chmod(path: string, mode: number): void
  chown(path: string, uid: number, gid: number): void
  /** Times in milliseconds since 1970, fractions kept as far as the platform can. Does not follow symlinks. */
  utimes(path: string, atimeMs: number, mtimeMs: number): void
  /** Times in nanoseconds, exactly. May start a child process: for the few directories of an undo, not for files. */
  setTimes(path: string, atimeNs: bigint, mtimeNs: bigint): void
  /** Fsyncs many files, 16 at a time. */
  fsyncFiles(paths: readonly string[]): Promise<void>
  /** Makes all of the file system of `path` durable at once; false where the platform has no such call. */
  syncFileSystem(path: string): Promise<boolean>
  realpath(path: string): string
  /** Throws unless this user has the rights in `mode`: by the real user, not the effective one. */
  access(path: string, mode: number): void
  /** Free bytes for this user on the file system of `path`. */
  free(path: string): number
}

/** The architectures that Node runs on have this number; its `constants` do not have the name. */
const referenceFlag = 0o10000000

const syncProgram = '/usr/bin/sync'
const touchProgram = '/usr/bin/touch'

async function fsyncFile(path: string): Promise<void> {
  // Windows flushes only what was opened for writing.
  const handle = await fs.promises.open(path, process.platform === 'win32' ? 'r+' : 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

// What stands for bytes that are no UTF-8; a name may also have it by right
const replacement = '\uFFFD'

function readDirectory(path: string): DirectoryEntry[] {
  const entries = fs.readdirSync(path, { withFileTypes: true })
  if (!entries.some(({ name }) => name.includes(replacement))) return entries
  return nameEntries(fs.readdirSync(path, { withFileTypes: true, encoding: 'buffer' }))
}

const nodeDisk: Disk = {
  open: (path, flags, mode) => fs.openSync(path, flags, mode),
  close: (fd) => fs.closeSync(fd),
  read: (fd, buffer, offset, length, position) => fs.readSync(fd, buffer, offset, length, position),
  write: (fd, buffer, offset, length, position) => fs.writeSync(fd, buffer, offset, length, position),
  truncate: (fd, length) => fs.ftruncateSync(fd, length),
  fsync: (fd) => fs.fsyncSync(fd),
  fstat: (fd) => fs.fstatSync(fd, { bigint: true }),
  stat: (path) => fs.statSync(path, { bigint: true }),
  lstat: (path) => fs.lstatSync(path, { bigint: true }),
  readdir: readDirectory,
  mkdir: (path, mode) => void fs.mkdirSync(path, mode === undefined ? {} : { mode }),
  rmdir: (path) => fs.rmdirSync(path),
  rename: (from, to) => fs.renameSync(from, to),
  link: (from, to) => fs.linkSync(from, to),
  symlink: (target, path) => fs.symlinkSync(target, path),
  unlink: (path) => fs.unlinkSync(path),
  hold: (path) => {
    if (process.platform !== 'linux') return null
    try {
      // Closing such a descriptor drops no locks of this process, as closing others would
      return fs.openSync(path, referenceFlag | fs.constants.O_NOFOLLOW)
    } catch {
      return null
    }
  },
  letGo: (held) => new Promise((resolve) => fs.close(held, () => resolve())),
  chmod: (path, mode) => fs.chmodSync(path, mode),
  chown: (path, uid, gid) => fs.lchownSync(path, uid, gid),
  utimes: (path, atimeMs, mtimeMs) => fs.lutimesSync(path, atimeMs / 1000, mtimeMs / 1000),
  setTimes: (path, atimeNs, mtimeNs) => {
    fs.lutimesSync(path, Number(atimeNs) / 1e9, Number(mtimeNs) / 1e9)
    // Node passes seconds as a double, which is good to 0.2 microseconds; coreutils' touch takes all nine digits.
    if (fs.lstatSync(path, { bigint: true }).mtimeNs === mtimeNs || !fs.existsSync(touchProgram)) return
    const date = `@${mtimeNs / 1_000_000_000n}.${String(mtimeNs % 1_000_000_000n).padStart(9, '0')}`
    process
      .getBuiltinModule('node:child_process')
      .execFileSync(touchProgram, ['-m', '-h', '-c', '-d', date, '--', path], { env: {}, stdio: 'ignore' })
  },
  fsyncFiles: async (paths) => {
    let next = 0
    const lane = async (): Promise<void> => {
      for (let path = paths[next++]; path !== undefined; path = paths[next++]) await fsyncFile(path)
    }
    const lanes = await Promise.allSettled(Array.from({ length: 16 }, lane))
    for (const result of lanes) if (result.status === 'rejected') throw result.reason
  },
  syncFileSystem: async (path) => {
    if (process.platform !== 'linux' || !fs.existsSync(syncProgram)) return false
    const { execFile } = process.getBuiltinModule('node:child_process')
    return await new Promise((resolve, reject) => {
      execFile(syncProgram, ['-f', path], { env: {} }, (error, _stdout, stderr) => {
        if (error === null) resolve(true)
        // Another `sync` than coreutils' does not know the option; what this one reports is a failed flush.
        else if (/unrecognized|invalid option|usage/i.test(stderr)) resolve(false)
        else reject(Object.assign(new Error(`sync -f failed: ${stderr.trim()}`), { code: 'EIO', path }))
      })
    })
  },
  realpath: (path) => fs.realpathSync.native(path),
  access: (path, mode) => fs.accessSync(path, mode),
  free: (path) => {
    const { bavail, bsize } = fs.statfsSync(path)
    return bavail * bsize
  },
}

let current: Disk = nodeDisk

/** The disk that all of moult works on. */
export const disk: Disk = {
  open: (...args) => current.open(...args),
  close: (...args) => current.close(...args),
  read: (...args) => current.read(...args),
  write: (...args) => current.write(...args),
  truncate: (...args) => current.truncate(...args),
  fsync: (...args) => current.fsync(...args),
  fstat: (...args) => current.fstat(...args),
  stat: (...args) => current.stat(...args),
  lstat: (...args) => current.lstat(...args),
  readdir: (...args) => current.readdir(...args),
  mkdir: (...args) => current.mkdir(...args),
  rmdir: (...args) => current.rmdir(...args),
  rename: (...args) => current.rename(...args),
  link: (...args) => current.link(...args),
  symlink: (...args) => current.symlink(...args),
  unlink: (...args) => current.unlink(...args),
  hold: (...args) => current.hold(...args),
  letGo: (...args) => current.letGo(...args),
  chmod: (...args) => current.chmod(...args),
  chown: (...args) => current.chown(...args),
  utimes: (...args) => current.utimes(...args),
  setTimes: (...args) => current.setTimes(...args),
  fsyncFiles: (...args) => current.fsyncFiles(...args),
  syncFileSystem: (...args) => current.syncFileSystem(...args),
  realpath: (...args) => current.realpath(...args),
  access: (...args) => current.access(...args),
  free: (...args) => current.free(...args),
}

/** Puts another disk in place, for tests, and returns the way back. It is given the real one to build on. */
export function replaceDisk(make: (real: Disk) => Disk): () => void {
  const before = current
  current = make(nodeDisk)
  return () => {
    current = before
  }
}
