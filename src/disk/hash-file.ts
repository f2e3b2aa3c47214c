import { createHash } from 'node:crypto'
import { breathe } from './breathe.js'
import { disk } from './disk.js'
import { openPlainFile } from './read-file.js'

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
