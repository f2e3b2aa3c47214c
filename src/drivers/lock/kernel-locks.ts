import { basename } from 'node:path'
import { disk } from '../../disk/disk.js'
import { readSmallFile } from '../read-small-file.js'

/** One line of Linux's list of file locks. */
interface KernelLock {
  readonly pid: number
  readonly isWrite: boolean
  /** Device and inode as `identify` writes them. */
  readonly identity: string
}

// `1: POSIX  ADVISORY  READ 6131 fe:00:2154789 1073741826 1073742335`, in fdinfo after `lock:`; a waiting one has `->`
// after the number
const line =
  /^(?:lock:\t)?\d+: (?:POSIX|OFDLCK)\s+\S+\s+(READ|WRITE)\s+(\d+) ([0-9a-f]+):([0-9a-f]+):(\d+) (\d+) (\d+)/gm

/**
 * SQLite's shared range, SHARED_FIRST and SHARED_SIZE in its os.h. Read-locked it is a shared hold, write-locked an
 * exclusive one; the kernel then joins it with the two bytes before it.
 */
const sharedFirst = 1_073_741_826
const sharedLast = sharedFirst + 509

/** Processes that hold the lock file of this device and inode; null where the system doesn't tell. */
export function pidsHolding(identity: string): number[] | null {
  const locks = readKernelLocks()
  if (locks === null) return null
  const exact = locks.filter((lock) => lock.identity === identity)
  const found = exact.length > 0 ? exact : locks.filter((lock) => isOf(lock, identity))
  return [...new Set(found.map((lock) => lock.pid))]
}

/** A descriptor of this process whose file's locks can be asked for, with the file it is of. */
export interface ListedLock {
  readonly descriptor: string
  readonly identity: string
}

/**
 * Where the kernel lists this process as the exclusive holder of each of these; null where it lists one of them
 * nowhere, as in containers that hide it. Asks for the process's own descriptors: to list everybody's locks the kernel
 * waits for every processor (10 ms).
 */
export function findOwnLocks(identities: readonly string[]): ListedLock[] | null {
  const found = identities.flatMap((identity) => findOwnLock(identity) ?? [])
  return found.length === identities.length ? found : null
}

function findOwnLock(identity: string): ListedLock | null {
  if (process.platform !== 'linux') return null
  try {
    const names = disk.readdir('/proc/self/fd').map(({ name }) => name)
    // The youngest first: an app may have thousands
    const descriptor = names
      .reverse()
      .find((name) => isFile(name, identity) && isListed({ descriptor: name, identity }))
    return descriptor === undefined ? null : { descriptor, identity }
  } catch {
    return null
  }
}

/** A descriptor may be closed by now. */
function isFile(descriptor: string, identity: string): boolean {
  try {
    const { dev, ino } = disk.stat(`/proc/self/fd/${descriptor}`)
    return `${dev}:${ino}` === identity
  } catch {
    return false
  }
}

/** Whether the lock is still in the list. The kernel lists a file's locks at each of its descriptors. */
export function isListed({ descriptor, identity }: ListedLock): boolean {
  try {
    const locks = parseLocks(readSmallFile(`/proc/self/fdinfo/${descriptor}`))
    return locks.some((lock) => lock.isWrite && isOf(lock, identity))
  } catch {
    return false
  }
}

/** On some file systems (btrfs, overlayfs) the device in the list isn't the one that stat tells. */
function isOf(lock: KernelLock, identity: string): boolean {
  return inodeOf(lock.identity) === inodeOf(identity)
}

function inodeOf(identity: string): string {
  return identity.slice(identity.indexOf(':') + 1)
}

/** `agent.js (pid 12)`. Of the command line only the script's file name: arguments may hold secrets. */
export function nameProcess(pid: number): string {
  try {
    const [program, script] = readSmallFile(`/proc/${pid}/cmdline`).split('\0')
    const shown = script !== undefined && /^[^-].*\.[cm]?[jt]s$/.test(script) ? script : (program ?? '')
    return shown === '' ? `pid ${pid}` : `${basename(shown)} (pid ${pid})`
  } catch {
    return `pid ${pid}`
  }
}

function readKernelLocks(): KernelLock[] | null {
  if (process.platform !== 'linux') return null
  try {
    return parseLocks(readSmallFile('/proc/locks'))
  } catch {
    return null
  }
}

function parseLocks(text: string): KernelLock[] {
  const locks: KernelLock[] = []
  for (const [, access, pid, major, minor, inode, start, end] of text.matchAll(line)) {
    if (Number(start) > sharedFirst || Number(end) < sharedLast) continue
    const device = deviceNumber(parseInt(major!, 16), parseInt(minor!, 16))
    locks.push({ pid: Number(pid), isWrite: access === 'WRITE', identity: `${device}:${inode}` })
  }
  return locks
}

/** As the C library's makedev() does it. */
function deviceNumber(major: number, minor: number): bigint {
  const [high, low] = [BigInt(major), BigInt(minor)]
  return ((high & 0xfffff000n) << 32n) | ((high & 0xfffn) << 8n) | ((low & 0xffffff00n) << 12n) | (low & 0xffn)
}
