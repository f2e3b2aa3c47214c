import { createHash } from 'node:crypto'
import { disk } from './disk.js'
import type { Ownership } from './new-file-ownership.js'
import type { Staging } from './staging.js'
import { writeFully } from './write-file.js'

/** New content in `in/<number>` of a staging folder. */
export interface StagedFile {
  readonly number: number
  readonly size: number
  readonly sha256: string
  /** Permission bits. */
  readonly mode: number
}

/** Writes one staged file in chunks. It counts only when `finish` has answered. */
export interface StagedWriter {
  write(chunk: Uint8Array): void
  finish(): StagedFile
  /** Takes the file away again. */
  abandon(): void
}

export function stagedPath(staging: Staging, number: number): string {
  return `${staging.folder}/in/${number}`
}

export function openStagedWriter(staging: Staging, ownership: Ownership): StagedWriter {
  const number = staging.next()
  const path = stagedPath(staging, number)
  const fd = disk.open(path, 'wx', ownership.mode ?? 0o666)
  const hash = createHash('sha256')
  let size = 0
  let isOpen = true
  const close = (): void => {
    if (!isOpen) return
    isOpen = false
    disk.close(fd)
  }
  return {
    write(chunk) {
      writeFully(fd, chunk)
      hash.update(chunk)
      size += chunk.length
    },
    finish() {
      const made = disk.fstat(fd)
      close()
      // Only root can give files away; for others the file is theirs, as any file they write.
      if (process.getuid?.() === 0 && (made.uid !== BigInt(ownership.uid) || made.gid !== BigInt(ownership.gid))) {
        disk.chown(path, ownership.uid, ownership.gid)
      }
      const mode = ownership.mode ?? Number(made.mode) & 0o7777
      if ((Number(made.mode) & 0o7777) !== mode || mode > 0o777) disk.chmod(path, mode)
      return { number, size, sha256: hash.digest('hex'), mode }
    },
    abandon() {
      close()
      disk.unlink(path)
    },
  }
}
