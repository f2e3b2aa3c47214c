import { join } from 'node:path'
import { systemCode } from '../model/errors.js'
import { breathe } from './breathe.js'
import { stagingFolder, type CommitWork } from './commit-work.js'
import { disk } from './disk.js'
import { changedFile } from './failures.js'
import { lstatIfAny } from './identity.js'

/**
 * Throws unless the kernel lets this user rename over each file that will be replaced, which its directory alone does
 * not say (sticky, an immutable file): asked without a trace, by a rename that cannot succeed, of a directory to the
 * file. Linux refuses it for the rights first and then with ENOTDIR. Who only holds the file (EBUSY) is waited for in
 * phase two.
 */
export async function checkReplaceable(work: Pick<CommitWork, 'root' | 'intent'>): Promise<void> {
  if (process.platform === 'win32') return
  const probes = new Map<number, string>()
  try {
    for (const { path, staging, replaces } of work.intent.ins) {
      // Onto an empty directory it would succeed, and end it: what has changed is found by who looks after phase one
      if (replaces === null || lstatIfAny(join(work.root, path))?.isDirectory() !== false) continue
      await breathe()
      const probe = probes.get(staging) ?? makeProbe(stagingFolder(work, staging))
      probes.set(staging, probe)
      withoutStacks(() => tryToReplace(probe, join(work.root, path), path))
    }
  } finally {
    for (const probe of probes.values()) disk.rmdir(probe)
  }
}

function makeProbe(folder: string): string {
  const probe = join(folder, 'probe')
  try {
    disk.mkdir(probe, 0o700)
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error
  }
  return probe
}

function tryToReplace(probe: string, path: string, shown: string): void {
  try {
    disk.rename(probe, path)
  } catch (error) {
    if (['ENOTDIR', 'EEXIST', 'EISDIR', 'EINVAL', 'EBUSY'].includes(systemCode(error))) return
    throw error
  }
  disk.rename(path, probe)
  throw changedFile(shown, 'was removed')
}

/** An error that comes with each of thousands of files needs no stack: to take one costs more than the call. */
function withoutStacks(work: () => void): void {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    work()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}
