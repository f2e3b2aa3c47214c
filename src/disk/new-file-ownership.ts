import { join } from 'node:path'
import type { Claim } from '../model/claim.js'
import { claimMatcher } from './claim-matcher.js'
import { disk } from './disk.js'
import { lstatIfAny } from './identity.js'
import type { OldTree } from './old-tree.js'
import { joinPath, parentOf } from './relative-path.js'

interface NewFile {
  readonly root: string
  readonly claim: Claim
  readonly old: OldTree
  readonly path: string
}

/** The mode and owner that a staged file is given. */
export interface Ownership {
  /** Permission bits, exactly; null: what the umask makes of 0666. */
  readonly mode: number | null
  readonly uid: number
  readonly gid: number
}

const cache = new WeakMap<OldTree, Map<string, Ownership>>()

/**
 * What a new file gets: 0600 if the first of the store's files in its directory (or in the nearest directory above
 * that has any) is closed to group and others, so that a rewritten secret stays one; else what the umask makes of
 * 0666. Under root its owner is that of the nearest directory, so that the app can still write it.
 */
export function newFileOwnership({ root, claim, old, path }: NewFile): Ownership {
  const directory = parentOf(path)
  const byDirectory = cache.get(old) ?? new Map<string, Ownership>()
  cache.set(old, byDirectory)
  const known = byDirectory.get(directory)
  if (known !== undefined) return known
  const { uid, gid } = disk.stat(nearestDirectory(root, joinPath(claim.base, directory)))
  const mode = isPrivatePlace({ root, claim, old, path: directory }) ? 0o600 : null
  const ownership = { mode, uid: Number(uid), gid: Number(gid) }
  byDirectory.set(directory, ownership)
  return ownership
}

function isPrivatePlace({ root, claim, old, path: directory }: NewFile): boolean {
  for (const [name, kind] of old.listing(directory)) {
    const path = joinPath(directory, name)
    if (kind !== 'file' || claimMatcher(claim).belongingOf(path) !== 'file') continue
    const stats = lstatIfAny(join(root, claim.base, path))
    if (stats !== null) return (stats.mode & 0o077n) === 0n
  }
  return directory !== '' && isPrivatePlace({ root, claim, old, path: parentOf(directory) })
}

/** The directory itself, or the nearest above it that exists. */
export function nearestDirectory(root: string, path: string): string {
  let at = path
  while (at !== '' && lstatIfAny(join(root, at))?.isDirectory() !== true) at = parentOf(at)
  return at === '' ? root : join(root, at)
}
