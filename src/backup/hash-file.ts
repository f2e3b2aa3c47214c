import { createHash } from 'node:crypto'
import { createGunzip } from 'node:zlib'
import { breathe } from '../disk/breathe.js'
import { disk } from '../disk/disk.js'
import { openPlainFile } from '../disk/read-file.js'
import { systemCode } from '../model/errors.js'
import type { BackedUpFile } from '../model/manifest.js'

const chunkBytes = 1 << 20
const shared = Buffer.allocUnsafe(65_536)

/** All of an open file, where that is less than 64 KiB, else null: most files are. Valid until the next call, so not across an await. */
export function readIfSmall(fd: number): Buffer | null {
  const count = disk.read(fd, shared, 0, shared.length, 0)
  if (count === shared.length) return null
  const probe = Buffer.allocUnsafe(1)
  return disk.read(fd, probe, 0, 1, count) === 0 ? shared.subarray(0, count) : null
}

/** Pieces of a plain file of at most 1 MiB, each valid until the next is asked for. Gives way between them. */
export async function* piecesOf(fd: number, signal?: AbortSignal): AsyncGenerator<Buffer, void, undefined> {
  const buffer = Buffer.allocUnsafe(chunkBytes)
  for (let position = 0; ;) {
    await breathe(signal)
    const count = disk.read(fd, buffer, 0, buffer.length, position)
    if (count === 0) return
    yield buffer.subarray(0, count)
    position += count
  }
}

/** SHA-256 of a plain file's bytes, in hexadecimal. Never of a live database (protocol 1). */
export async function hashFile(path: string, signal?: AbortSignal): Promise<{ sha256: string; bytes: number }> {
  const hash = createHash('sha256')
  let bytes = 0
  const fd = openPlainFile(path)
  try {
    await breathe(signal)
    const small = readIfSmall(fd)
    if (small !== null) return { sha256: hash.update(small).digest('hex'), bytes: small.length }
    for await (const piece of piecesOf(fd, signal)) {
      hash.update(piece)
      bytes += piece.length
    }
    return { sha256: hash.digest('hex'), bytes }
  } finally {
    disk.close(fd)
  }
}

/** The content of a file in a backup, unpacked; it ends early, with an error, where it is not what was packed. */
export async function* contentOf(
  path: string,
  stored: BackedUpFile['stored'],
  signal?: AbortSignal,
): AsyncGenerator<Buffer, void, undefined> {
  const fd = openPlainFile(path)
  try {
    if (stored === 'plain') {
      yield* piecesOf(fd, signal)
      return
    }
    const unzip = createGunzip()
    const feeding = (async () => {
      try {
        for await (const piece of piecesOf(fd, signal)) {
          if (!unzip.write(Buffer.from(piece))) await new Promise((resolve) => unzip.once('drain', resolve))
          if (unzip.destroyed) return
        }
        unzip.end()
      } catch (error) {
        unzip.destroy(error as Error)
      }
    })()
    for await (const piece of unzip) yield piece as Buffer
    await feeding
  } finally {
    disk.close(fd)
  }
}

/** Whether a file of a backup has the content that its manifest says: a sentence, or null. */
export async function findRot(path: string, file: BackedUpFile, signal?: AbortSignal): Promise<string | null> {
  try {
    let found: { sha256: string; bytes: number }
    if (file.stored === 'plain') found = await hashFile(path, signal)
    else {
      const hash = createHash('sha256')
      let bytes = 0
      for await (const piece of contentOf(path, file.stored, signal)) {
        hash.update(piece)
        bytes += piece.length
        if (bytes > file.bytes) break
      }
      found = { sha256: hash.digest('hex'), bytes }
    }
    if (found.bytes !== file.bytes) return `has ${found.bytes} bytes instead of ${file.bytes}`
    return found.sha256 === file.sha256 ? null : 'has other bytes than when it was made'
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ENOENT') return 'is missing'
    if (code === 'FILE_UNSUPPORTED') return 'is no plain file'
    if (code.startsWith('Z_') || code === 'ERR_BUFFER_TOO_LARGE') return 'cannot be unpacked'
    throw error
  }
}
