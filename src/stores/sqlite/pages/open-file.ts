import { disk } from '../../../disk/disk.js'

/** A file that is open for reading, and the size it had then; nothing is read past it. */
export interface OpenFile {
  readonly fd: number
  readonly size: number
}

/** Bytes from `position` on; fewer than `length` only where the file ends. */
export function readAt(file: OpenFile, position: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(Math.max(0, Math.min(length, file.size - position)))
  return bytes.subarray(0, fill(file.fd, bytes, position))
}

/** Bytes of the file that were put into `into`: all of it, unless the file ends before. */
export function fill(fd: number, into: Uint8Array, position: number): number {
  let done = 0
  while (done < into.length) {
    const got = disk.read(fd, into, done, into.length - done, position + done)
    if (got === 0) break
    done += got
  }
  return done
}
