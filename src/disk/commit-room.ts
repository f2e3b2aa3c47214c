import { dirname, join } from 'node:path'
import { systemCode } from '../model/errors.js'
import { breathe } from './breathe.js'
import { stagingFolder, type CommitWork } from './commit-work.js'
import { disk, openFlags } from './disk.js'
import { changedFile } from './failures.js'
import { lastingIdentityOf, lstatIfAny } from './identity.js'
import type { In } from './intent.js'

/**
 * Throws unless phase two can rename content to each path: what stands there is what the run saw (`STORE_CHANGED`),
 * and the kernel lets this user do it (`EACCES`, `EPERM`, `EROFS`), asked in ways that leave no trace, mtimes included.
 */
export async function checkRoom(work: CommitWork): Promise<void> {
  const checked = new Set<string>()
  const probes = new Map<number, string>()
  try {
    for (const arrival of work.intent.ins) {
      await breathe()
      const path = join(work.root, arrival.path)
      const isThere = checkPlace(work.root, arrival)
      const directory = dirname(path)
      if (!checked.has(directory)) checkMayAdd(directory)
      checked.add(directory)
      if (!isThere) continue
      const probe = probes.get(arrival.staging) ?? makeProbe(stagingFolder(work, arrival.staging))
      probes.set(arrival.staging, probe)
      withoutStacks(() => checkMayReplace(probe, path, arrival.path))
    }
  } finally {
    for (const probe of probes.values()) disk.rmdir(probe)
  }
}

/** The part of `checkRoom` that others can undo at any time: whether what stands at each path is what the run saw. */
export function checkStill({ root, intent }: CommitWork): void {
  for (const arrival of intent.ins) checkPlace(root, arrival)
}

/** Answers whether there is a file that will be replaced. */
function checkPlace(root: string, { path, replaces }: In): boolean {
  const stats = lstatIfAny(join(root, path))
  if (stats === null) {
    if (lstatIfAny(dirname(join(root, path)))?.isDirectory() !== true) throw changedFile(path, 'lost its directory')
    return false
  }
  if (replaces === null) throw changedFile(path, 'appeared')
  if (lastingIdentityOf(stats) !== replaces) throw changedFile(path, 'was changed')
  return true
}

/** The architectures that Node runs on have this number; its `constants` do not have the name. */
const temporaryFlag = 0o20000000

/**
 * Whether names can be added: Linux makes a file without a name, for which it asks what it asks for a name, of the
 * user that acts and with immutable directories, full quotas and read-only mounts in mind. Elsewhere `access` answers.
 * The directory is opened as phase two will open it.
 */
function checkMayAdd(directory: string): void {
  if (process.platform !== 'win32') disk.close(disk.open(directory, 'r'))
  if (process.platform === 'linux') {
    try {
      disk.close(disk.open(directory, openFlags.O_RDWR | openFlags.O_DIRECTORY | temporaryFlag, 0o600))
      return
    } catch (error) {
      if (!['EOPNOTSUPP', 'ENOTSUP', 'EISDIR', 'EINVAL', 'ENOSYS', 'ENOENT'].includes(systemCode(error))) throw error
    }
  }
  disk.access(directory, openFlags.W_OK | openFlags.X_OK)
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

function makeProbe(folder: string): string {
  const probe = join(folder, 'probe')
  try {
    disk.mkdir(probe, 0o700)
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error
  }
  return probe
}

/**
 * Whether a file can be replaced, which its directory alone does not say (sticky, an immutable file): a rename that
 * cannot succeed, of a directory to the file. Linux refuses it for the rights first and then with ENOTDIR. Who only
 * holds the file (EBUSY) is waited for in phase two.
 */
function checkMayReplace(probe: string, path: string, shown: string): void {
  if (process.platform === 'win32') return
  try {
    disk.rename(probe, path)
  } catch (error) {
    if (['ENOTDIR', 'EEXIST', 'EISDIR', 'EINVAL', 'EBUSY'].includes(systemCode(error))) return
    throw error
  }
  disk.rename(path, probe)
  throw changedFile(shown, 'was removed')
}
