import type { BigIntStats } from 'node:fs'
import { disk, openFlags } from './disk.js'
import { unsupportedFile } from './failures.js'
import { isAbsent } from './identity.js'

/** An open descriptor of a database file that stays open until the process ends. */
export interface Pin {
  readonly fd: number
  /** Bytes, now. */
  readonly size: number
  /** As `stampOf`. */
  readonly stamp: string
}

interface PinRegistry {
  /** Descriptors by `dev:ino`. An inode with an open descriptor is not reused, so neither is a key. */
  readonly open: Map<string, number>
}

const registryKey = Symbol.for('moult.pin/1')

function registry(): PinRegistry {
  const global = globalThis as { [registryKey]?: PinRegistry }
  return (global[registryKey] ??= { open: new Map() })
}

/**
 * Opens a database file for reading, once per device and inode, and never closes it; null when there is none.
 *
 * POSIX locks belong to the process, and closing any descriptor of a file drops them all: the app's connection would
 * lose its locks, and then its data (protocol 1). So nothing else in moult opens a live SQLite file, and this never
 * closes one. The descriptor stays until the process ends, and is shared by all copies of moult in this thread.
 */
export function pin(path: string): Pin | null {
  const { open } = registry()
  try {
    const found = disk.stat(path)
    if (!found.isFile()) throw unsupportedFile(path, 'not a plain file')
    const known = open.get(keyOf(found))
    if (known !== undefined) return describe(known)
    const fd = disk.open(path, openFlags.O_RDONLY | (openFlags.O_NONBLOCK ?? 0))
    const stats = disk.fstat(fd)
    // If the file was replaced since the stat, the inode may be one that is pinned already; the second descriptor
    // stays open too, unused, because closing it would drop the locks.
    const key = keyOf(stats)
    if (!open.has(key)) open.set(key, fd)
    return describe(fd)
  } catch (error) {
    if (isAbsent(error)) return null
    throw error
  }
}

/** Closes what was pinned of a copy that is moult's own and that nobody has open: its space would stay taken. */
export function unpin(path: string): void {
  const { open } = registry()
  try {
    const key = keyOf(disk.stat(path))
    const fd = open.get(key)
    if (fd !== undefined) disk.close(fd)
    open.delete(key)
  } catch (error) {
    if (!isAbsent(error)) throw error
  }
}

/** The descriptors that are kept open: of moult, not of anybody who uses a database. */
export function pinnedDescriptors(): ReadonlySet<number> {
  return new Set(registry().open.values())
}

/** `dev:ino:size:mtimeNs` of the file at `path`, symlinks followed; '-' when there is none. Opens nothing. */
export function stampOf(path: string): string {
  try {
    return stampFrom(disk.stat(path))
  } catch (error) {
    if (isAbsent(error)) return '-'
    throw error
  }
}

function describe(fd: number): Pin {
  const stats = disk.fstat(fd)
  return { fd, size: Number(stats.size), stamp: stampFrom(stats) }
}

function keyOf(stats: BigIntStats): string {
  return `${stats.dev}:${stats.ino}`
}

function stampFrom(stats: BigIntStats): string {
  return `${keyOf(stats)}:${stats.size}:${stats.mtimeNs}`
}
