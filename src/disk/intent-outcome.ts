import { dirname } from 'node:path'
import { MoultFailure } from '../model/errors.js'
import { insist } from './commit-phases.js'
import type { CommitWork } from './commit-work.js'
import { disk, openFlags } from './disk.js'
import { syncDirectory } from './sync-directory.js'
import { writeFully } from './write-file.js'

/**
 * Appends `decided` or `done` to a journal and fsyncs it. If that fails the line is taken away again; where this
 * cannot be done, or the fsync failed, nobody knows what is on the disk: `UNFINISHED`, with the error as its cause.
 */
export async function appendOutcome(work: CommitWork, path: string, outcome: 'decided' | 'done'): Promise<void> {
  // Not made anew: if it is gone, another run has finished this one
  const fd = disk.open(path, openFlags.O_WRONLY | openFlags.O_APPEND)
  try {
    const size = Number(disk.fstat(fd).size)
    try {
      // The newline in front ends a line that a crash tore; an empty line has no meaning.
      await insist(work, () => writeFully(fd, Buffer.from(`\n${JSON.stringify({ is: outcome })}\n`)))
    } catch (error) {
      takeBack(fd, size, error)
      throw error
    }
    try {
      disk.fsync(fd)
    } catch (error) {
      throw unknown(error)
    }
  } finally {
    disk.close(fd)
  }
}

/** Deletes a journal, durably. */
export function dropIntent(path: string): void {
  disk.unlink(path)
  syncDirectory(dirname(path))
}

function takeBack(fd: number, size: number, cause: unknown): void {
  try {
    disk.truncate(fd, size)
  } catch {
    throw unknown(cause)
  }
}

function unknown(cause: unknown): MoultFailure<'UNFINISHED'> {
  return new MoultFailure('UNFINISHED', {
    message: 'Whether the commit was decided could not be written down.',
    hint: 'Start again: the next start finds out and goes on.',
    details: {},
    cause,
  })
}
