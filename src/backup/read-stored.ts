import { createHash } from 'node:crypto'
import { createGunzip } from 'node:zlib'
import { disk } from '../disk/disk.js'
import { hashFile, piecesOf } from '../disk/hash-file.js'
import { openPlainFile } from '../disk/read-file.js'
import { systemCode } from '../model/errors.js'
import type { BackedUpFile } from '../model/manifest.js'

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
    return rotOf(found, file)
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ENOENT') return 'is missing'
    if (code === 'FILE_UNSUPPORTED') return 'is no plain file'
    if (code.startsWith('Z_') || code === 'ERR_BUFFER_TOO_LARGE') return 'cannot be unpacked'
    throw error
  }
}

export function rotOf(found: Pick<BackedUpFile, 'sha256' | 'bytes'>, file: BackedUpFile): string | null {
  if (found.bytes !== file.bytes) return `has ${found.bytes} bytes instead of ${file.bytes}`
  return found.sha256 === file.sha256 ? null : 'has other bytes than when it was made'
}
