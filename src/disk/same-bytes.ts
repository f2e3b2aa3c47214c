import { disk } from './disk.js'

const chunkBytes = 65_536

/** Whether two open files have the same bytes. Closes the second. */
export function sameBytes(a: number, b: number): boolean {
  try {
    const left = Buffer.allocUnsafe(chunkBytes)
    const right = Buffer.allocUnsafe(chunkBytes)
    for (let position = 0; ;) {
      const leftCount = readUpTo(a, left, position)
      const rightCount = readUpTo(b, right, position)
      if (leftCount !== rightCount || !left.subarray(0, leftCount).equals(right.subarray(0, rightCount))) return false
      if (leftCount === 0) return true
      position += leftCount
    }
  } finally {
    disk.close(b)
  }
}

function readUpTo(fd: number, buffer: Buffer, position: number): number {
  let done = 0
  while (done < buffer.length) {
    const count = disk.read(fd, buffer, done, buffer.length - done, position + done)
    if (count === 0) break
    done += count
  }
  return done
}
