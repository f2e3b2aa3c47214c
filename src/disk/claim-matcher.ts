import type { Claim } from '../model/claim.js'
import { globMatcher, globReaches } from './glob.js'
import { isReservedName } from './relative-path.js'

/** What a path is to a store. `unclaimed`: no pattern of the store's names it. */
export type Belonging = 'file' | 'derived' | 'marker' | 'ignored' | 'other' | 'moult' | 'unclaimed'

export interface ClaimMatcher {
  /** What a file at this path, relative to the claim's base, is to the store. */
  belongingOf(path: string): Belonging
  /** Whether a walk for the store's files, or for its derived ones, has to look into this directory. */
  mayHold(directory: string, what: 'file' | 'derived'): boolean
}

const builtInIgnores = new Set(['lost+found', '.DS_Store', 'Thumbs.db', 'desktop.ini'])
const made = new WeakMap<Claim, ClaimMatcher>()

/** Applies a claim's patterns. A pattern that names a directory means all that is in it, except in `files`. */
export function claimMatcher(claim: Claim): ClaimMatcher {
  const known = made.get(claim)
  if (known !== undefined) return known
  const isFile = globMatcher(claim.files)
  const isIgnored = globMatcher(claim.ignore)
  const isDerived = globMatcher(claim.derived)
  const reachesFile = globReaches(claim.files)
  const reachesDerived = globReaches(claim.derived)
  const others = new Set(claim.others)

  /** Only what this path itself says, not the directories above it. */
  const ownBelonging = (path: string, name: string): Belonging | null => {
    if (isReservedName(name)) return 'moult'
    if (others.has(path)) return 'other'
    if (builtInIgnores.has(name) || isIgnored(path)) return 'ignored'
    return isDerived(path) ? 'derived' : null
  }

  const belongingOf = (path: string): Belonging => {
    if (path === claim.marker) return 'marker'
    for (let end = path.indexOf('/'); end !== -1; end = path.indexOf('/', end + 1)) {
      const directory = path.slice(0, end)
      const belonging = ownBelonging(directory, directory.slice(directory.lastIndexOf('/') + 1))
      if (belonging !== null) return belonging
    }
    return ownBelonging(path, path.slice(path.lastIndexOf('/') + 1)) ?? (isFile(path) ? 'file' : 'unclaimed')
  }

  const mayHold = (directory: string, what: 'file' | 'derived'): boolean => {
    if (directory === '') return true
    const belonging = belongingOf(directory)
    if (belonging === 'derived') return what === 'derived'
    if (belonging !== 'file' && belonging !== 'unclaimed') return false
    return what === 'file' ? reachesFile(directory) : reachesDerived(directory)
  }

  const matcher = { belongingOf, mayHold }
  made.set(claim, matcher)
  return matcher
}
