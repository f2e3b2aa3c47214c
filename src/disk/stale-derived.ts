import { claimMatcher } from './claim-matcher.js'
import type { Claim } from '../model/claim.js'
import type { OldTree } from './old-tree.js'
import { joinPath, nameOf, parentOf } from './relative-path.js'

/**
 * The derived files that go stale when the files `touched` change, move, leave or arrive. They are looked for in the
 * directory of each touched file and in the derived folders of that directory. One belongs to the file whose name, or
 * whose name without its extension, is its own name up to some dot (`.embeddings/ab12.bin` to `ab12.json`). One that
 * belongs to no file there stands for the directory as a whole, and goes with any of its files.
 */
export function findStaleDerived(claim: Claim, old: OldTree, touched: Iterable<string>): string[] {
  if (claim.derived.length === 0) return []
  const matcher = claimMatcher(claim)
  const byDirectory = new Map<string, string[]>()
  for (const path of touched) {
    const paths = byDirectory.get(parentOf(path))
    if (paths === undefined) byDirectory.set(parentOf(path), [path])
    else paths.push(path)
  }
  const stale: string[] = []
  for (const [directory, paths] of byDirectory) {
    const derived = derivedBeside(old, directory, (path) => matcher.belongingOf(path) === 'derived')
    if (derived.length === 0) continue
    const changed = new Set(paths.map(nameOf))
    const owners = new Map<string, boolean>()
    for (const [name, kind] of old.listing(directory)) {
      if (kind === 'directory' || matcher.belongingOf(joinPath(directory, name)) !== 'file') continue
      for (const stem of [name, stemOf(name)]) owners.set(stem, (owners.get(stem) ?? false) || changed.has(name))
    }
    for (const path of derived) {
      const owned = stemsOf(nameOf(path)).map((stem) => owners.get(stem))
      const known = owned.filter((isTouched) => isTouched !== undefined)
      if (known.length === 0 || known.includes(true)) stale.push(path)
    }
  }
  return stale
}

function derivedBeside(old: OldTree, directory: string, isDerived: (path: string) => boolean): string[] {
  const found: string[] = []
  for (const [name, kind] of old.listing(directory)) {
    const path = joinPath(directory, name)
    if (kind !== 'directory') {
      if (isDerived(path)) found.push(path)
    } else if (isDerived(path)) {
      found.push(...old.allBelow(path).filter(isDerived))
    }
  }
  return found
}

function stemOf(name: string): string {
  const dot = name.lastIndexOf('.')
  return dot <= 0 ? name : name.slice(0, dot)
}

/** The name itself and all its beginnings that end before a dot. */
function stemsOf(name: string): string[] {
  const stems = [name]
  for (let dot = name.indexOf('.', 1); dot !== -1; dot = name.indexOf('.', dot + 1)) stems.push(name.slice(0, dot))
  return stems
}
