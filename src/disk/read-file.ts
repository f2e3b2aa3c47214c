import type { BigIntStats } from 'node:fs'
import { systemCode } from '../model/errors.js'
import { disk, openFlags } from './disk.js'
import { unsupportedFile } from './failures.js'

// A pipe would block the open, and a symlink would lead elsewhere. Windows has neither flag.
const plainFile = openFlags.O_RDONLY | (openFlags.O_NOFOLLOW ?? 0) | (openFlags.O_NONBLOCK ?? 0)

/** Opens a plain file for reading. Throws `FILE_UNSUPPORTED` for a symlink, pipe, socket, device or directory. */
export function openPlainFile(path: string): number {
  return openAndLook(path).fd
}

/** As `openPlainFile`, with what an fstat said of the file. */
export function openAndLook(path: string): { readonly fd: number; readonly stats: BigIntStats } {
  let fd: number
  try {
    fd = disk.open(path, plainFile)
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ELOOP' || code === 'EMLINK') throw unsupportedFile(path, 'a symlink')
    if (code === 'ENXIO') throw unsupportedFile(path, 'a pipe, a socket or a device')
    throw error
  }
  const stats = disk.fstat(fd)
  if (stats.isFile()) return { fd, stats }
  disk.close(fd)
  throw unsupportedFile(path, 'not a plain file')
}

// Most files are small, and buffers of chunkBytes for each of thousands keep the garbage collector busy
const firstChunkBytes = 8192
const chunkBytes = 65_536

/** An open file in pieces of at most 64 KiB, from its beginning. */
export function* readChunks(fd: number): Generator<Buffer, void, undefined> {
  let buffer = Buffer.allocUnsafe(firstChunkBytes)
  let used = 0
  for (let position = 0; ;) {
    if (used === buffer.length) {
      buffer = Buffer.allocUnsafe(chunkBytes)
      used = 0
    }
    const count = disk.read(fd, buffer, used, buffer.length - used, position)
    if (count === 0) return
    yield buffer.subarray(used, used + count)
    position += count
    used += count
  }
}

/** All bytes of an open file from its beginning, however often its size changes meanwhile. */
export function readOpenFile(fd: number): Buffer {
  let buffer = Buffer.allocUnsafe(Number(disk.fstat(fd).size) + 1)
  let length = 0
  for (;;) {
    const count = disk.read(fd, buffer, length, buffer.length - length, length)
    if (count === 0) return buffer.subarray(0, length)
    length += count
    if (length === buffer.length) buffer = Buffer.concat([buffer, Buffer.allocUnsafe(buffer.length + 65_536)])
  }
}

/** The bytes of a plain file; symlinks are refused. Never for a live SQLite file (protocol 1). */
export function readFile(path: string): Buffer {
  const fd = openPlainFile(path)
  try {
    return readOpenFile(fd)
  } finally {
    disk.close(fd)
  }
}

/** The text of a plain UTF-8 file, a byte order mark included. Other bytes than UTF-8 are an error, never replaced. */
export function readText(path: string): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(readFile(path))
}

/** As `readText`; null when there is no such file. */
export function readTextIfAny(path: string): string | null {
  try {
    return readText(path)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null
    throw error
  }
}
