import { dirname, join } from 'node:path'
import { systemCode } from '../model/errors.js'
import { breathe } from './breathe.js'
import type { CommitWork } from './commit-work.js'
import { disk, openFlags } from './disk.js'
import { changedFile } from './failures.js'
import { lastingIdentityOf, lstatIfAny } from './identity.js'
import type { In } from './intent.js'

/**
 * Throws unless phase two finds what it needs at each path: what stands there is what the run saw (`STORE_CHANGED`),
 * and the kernel lets this user add names beside it (`EACCES`, `EPERM`, `EROFS`), asked without a trace, mtimes
 * included. Whether files can be replaced was asked before (`checkReplaceable`).
 */
export async function checkRoom({ root, intent }: CommitWork): Promise<void> {
  const checked = new Set<string>()
  for (const arrival of intent.ins) {
    await breathe()
    checkPlace(root, arrival)
    const directory = dirname(join(root, arrival.path))
    if (!checked.has(directory)) checkMayAdd(directory)
    checked.add(directory)
  }
}

/** The part of `checkRoom` that others can undo at any time: whether what stands at each path is what the run saw. */
export function checkStill({ root, intent }: CommitWork): void {
  for (const arrival of intent.ins) checkPlace(root, arrival)
}

function checkPlace(root: string, { path, replaces }: In): void {
  const stats = lstatIfAny(join(root, path))
  if (stats === null) {
    if (lstatIfAny(dirname(join(root, path)))?.isDirectory() !== true) throw changedFile(path, 'lost its directory')
    return
  }
  if (replaces === null) throw changedFile(path, 'appeared')
  if (lastingIdentityOf(stats) !== replaces) throw changedFile(path, 'was changed')
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
