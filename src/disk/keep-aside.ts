import { dirname, join } from 'node:path'
import { systemCode } from '../model/errors.js'
import { sourceOf, type CommitWork } from './commit-work.js'
import { disk } from './disk.js'
import { lastingIdentityOf, lstatIfAny } from './identity.js'
import type { In } from './intent.js'
import { openPlainFile } from './read-file.js'
import { joinPath, nameOf, parentOf } from './relative-path.js'
import { sameBytes } from './same-bytes.js'
import { syncDirectory } from './sync-directory.js'

/**
 * Renames what stands at a path that is about to get content to `.<name>.<n>.moult-kept` beside it, if it is not what
 * the run saw: after the decision the new content has to come, and what somebody else wrote must not be lost for it.
 */
export function makeWay(work: CommitWork, arrival: In): void {
  const target = join(work.root, arrival.path)
  const there = lstatIfAny(target)
  if (there === null || lastingIdentityOf(there) === arrival.replaces) return
  const source = sourceOf(work, arrival)
  const staged = lstatIfAny(source)
  // It has come already. Where it had to be copied, a crash may have come between the copy and the end of its source
  if (staged === null || (there.isFile() && staged.size === there.size && isCopy(source, target))) return
  // The file itself moves, and what was written into it with it
  if (work.intent.outs.some((out) => out.isLinked && out.path === arrival.path && out.was.startsWith(`${there.ino}:`)))
    return
  const kept = freeName(work.root, arrival.path)
  disk.rename(target, join(work.root, kept))
  // The new content must not outlive it on the disk
  syncDirectory(dirname(target))
  work.onKept?.(arrival.path, kept)
}

function isCopy(source: string, target: string): boolean {
  const from = openPlainFile(source)
  try {
    return sameBytes(from, openPlainFile(target))
  } catch (error) {
    // What may not be read is not ours
    if (['EACCES', 'EPERM'].includes(systemCode(error))) return false
    throw error
  } finally {
    disk.close(from)
  }
}

const longestName = 200

function freeName(root: string, path: string): string {
  const name = nameOf(path)
  const start = Buffer.byteLength(name) <= longestName ? `.${name}` : ''
  for (let n = 1; ; n++) {
    const kept = joinPath(parentOf(path), `${start}.${n}.moult-kept`)
    if (lstatIfAny(join(root, kept)) === null) return kept
  }
}
