import { disk } from '../disk/disk.js'

const chunkBytes = 16 * 1024
const limitBytes = 4 * 1024 * 1024

/** All text of a file that is small, or whose size the system doesn't tell (`/proc`). Never of a lock file. */
export function readSmallFile(path: string): string {
  const fd = disk.open(path, 'r')
  try {
    const chunks: Buffer[] = []
    for (let total = 0; total < limitBytes;) {
      const chunk = Buffer.allocUnsafe(chunkBytes)
      const length = disk.read(fd, chunk, 0, chunkBytes, null)
      if (length === 0) break
      chunks.push(chunk.subarray(0, length))
      total += length
    }
    return Buffer.concat(chunks).toString('utf8')
  } finally {
    disk.close(fd)
  }
}
