import type { BigIntStats } from 'node:fs'
import { systemCode } from '../model/errors.js'
import { disk } from './disk.js'

/** Equal as long as nobody touched the file at all: inode, size, mtime, ctime. */
export function identityOf(stats: BigIntStats): string {
  return `${lastingIdentityOf(stats)}:${stats.ctimeNs}`
}

/** Equal as long as the content is the same file's; survives renames and links, which change the ctime. */
export function lastingIdentityOf(stats: BigIntStats): string {
  return `${stats.ino}:${stats.size}:${stats.mtimeNs}`
}

/** `lstat`, or null when there is nothing at `path`, nor could be because a parent is a file. */
export function lstatIfAny(path: string): BigIntStats | null {
  try {
    return disk.lstat(path)
  } catch (error) {
    if (isAbsent(error)) return null
    throw error
  }
}

/** Whether an error says that there is nothing at the path. */
export function isAbsent(error: unknown): boolean {
  const code = systemCode(error)
  return code === 'ENOENT' || code === 'ENOTDIR'
}
