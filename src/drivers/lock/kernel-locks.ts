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

/**
 * Whether the kernel lists this process as the exclusive holder of each of these; null where the system doesn't tell.
 * Asks for the process's own descriptors: to list everybody's locks the kernel waits for every processor (10 ms).
 */
export function areListedAsHeld(identities: readonly string[]): boolean | null {
  const held = ownLocks()
  return held && identities.every((identity) => held.some((lock) => lock.isWrite && isOf(lock, identity)))
}

function ownLocks(): KernelLock[] | null {
  if (process.platform !== 'linux') return null
  try {
    return disk.readdir('/proc/self/fdinfo').flatMap(({ name }) => locksOf(name))
  } catch {
    return null
  }
}

/** Of a descriptor, which may be closed by now. */
function locksOf(descriptor: string): KernelLock[] {
  try {
    return parseLocks(readSmallFile(`/proc/self/fdinfo/${descriptor}`))
  } catch {
    return []
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
