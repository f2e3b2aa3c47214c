import { join } from 'node:path'
import type { Claim } from '../model/claim.js'
import { breathe } from './breathe.js'
import { claimMatcher, type Belonging } from './claim-matcher.js'
import { isReservedName, joinPath } from './relative-path.js'
import { listDirectory } from './walk.js'

/** A file or folder of moult's own beside a store's data. */
export interface OwnName {
  /** Relative to the claim's base, with `/`. */
  readonly path: string
  /** `kept`: what somebody wrote while a commit came to its end. `left`: nothing needs it once no run is under way. */
  readonly is: 'kept' | 'left'
}

/** What a walk passes over in the directories of a store's files, `.moult` left out. */
export async function findOwnNames(root: string, claim: Claim): Promise<OwnName[]> {
  const matcher = claimMatcher(claim)
  const found: OwnName[] = []
  const directories = ['']
  for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
    await breathe()
    for (const entry of listDirectory(join(root, claim.base, directory))) {
      const path = joinPath(directory, entry.name)
      if (isOurs(entry.name, (name) => matcher.belongingOf(joinPath(directory, name))))
        found.push({ path, is: entry.name.endsWith('.moult-kept') ? 'kept' : 'left' })
      else if (entry.isDirectory() && matcher.mayHold(path, 'file')) directories.push(path)
    }
  }
  return found
}

/** Stores that share a directory have each their own: such a file belongs to whom the file it was for belongs to. */
function isOurs(name: string, belongingOf: (name: string) => Belonging): boolean {
  // An original that a write-back kept (.moult-bak) is whole, and somebody's to delete
  if (!isReservedName(name) || name === '.moult' || name.endsWith('.moult-bak')) return false
  const original = /^\.(.*)\.(?:[0-9a-f]{12}\.moult-tmp|\d+\.moult-kept)$/s.exec(name)?.[1]
  return original === undefined || ['file', 'marker'].includes(belongingOf(original))
}
