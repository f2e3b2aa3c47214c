import { dirname } from 'node:path'
import { systemCode } from '../model/errors.js'
import { disk } from './disk.js'
import { syncDirectory } from './sync-directory.js'
import { writeFully } from './write-file.js'

/**
 * Appends lines to a file of JSON lines, durably, with one write; makes the file (mode by the umask) if there is
 * none. A crash leaves a torn last line at worst, which the next append takes away; a last line that is whole JSON and
 * lacks only its newline gets it. One writer at a time: the caller holds a lock.
 */
export function appendLines(path: string, lines: readonly string[]): void {
  if (lines.some((line) => line.includes('\n'))) throw new TypeError('a line cannot contain a newline')
  const { fd, isNew } = openForAppend(path)
  try {
    const mend = mendLastLine(fd)
    writeFully(fd, Buffer.from(mend + lines.map((line) => `${line}\n`).join('')))
    disk.fsync(fd)
  } finally {
    disk.close(fd)
  }
  if (isNew) syncDirectory(dirname(path))
}

function openForAppend(path: string): { fd: number; isNew: boolean } {
  try {
    return { fd: disk.open(path, 'ax+', 0o666), isNew: true }
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error
    return { fd: disk.open(path, 'a+'), isNew: false }
  }
}

/** What must stand before the next line: nothing, or the newline that a whole last line lacks. */
function mendLastLine(fd: number): '' | '\n' {
  const size = Number(disk.fstat(fd).size)
  let start = size
  let tail = Buffer.alloc(0)
  while (start > 0 && !tail.includes(10)) {
    const length = Math.min(65_536, start)
    const chunk = Buffer.alloc(length)
    start -= length
    let done = 0
    while (done < length) {
      const count = disk.read(fd, chunk, done, length - done, start + done)
      if (count === 0) break
      done += count
    }
    tail = Buffer.concat([chunk, tail])
  }
  const last = tail.subarray(tail.lastIndexOf(10) + 1)
  if (last.length === 0) return ''
  if (isWholeJson(last)) return '\n'
  disk.truncate(fd, size - last.length)
  return ''
}

function isWholeJson(bytes: Buffer): boolean {
  try {
    JSON.parse(bytes.toString('utf8'))
    return true
  } catch {
    return false
  }
}
