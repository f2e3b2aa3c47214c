import { join } from 'node:path'
import { MoultFailure } from '../model/errors.js'
import { disk } from './disk.js'
import { lstatIfAny } from './identity.js'
import { joinPath, nameOf, parentOf } from './relative-path.js'
import { listDirectory } from './walk.js'

/** What a file system takes for the same name. */
export interface Folding {
  readonly case: boolean
  /** Composed and decomposed characters. */
  readonly unicode: boolean
}

/** Finds out with a probe file in `folder`. */
export function probeFolding(folder: string): Folding {
  const name = 'Probe-\u00e9'
  const path = join(folder, name)
  disk.close(disk.open(path, 'w', 0o600))
  try {
    return {
      case: lstatIfAny(join(folder, name.toLowerCase())) !== null,
      unicode: lstatIfAny(join(folder, name.normalize('NFD'))) !== null,
    }
  } finally {
    disk.unlink(path)
  }
}

/**
 * Throws `NAMES_COLLIDE` if, once `leaving` have left and `arriving` have come, two names of a directory would be one
 * on a file system that folds so. Paths are relative to `root`. Where folding is set per directory (ext4's casefold),
 * it shows in the names that are there.
 */
export function checkNames(
  root: string,
  leaving: ReadonlySet<string>,
  arriving: readonly string[],
  folding: Folding,
): void {
  const namesByDirectory = new Map<string, Set<string>>()
  for (const path of arriving) {
    for (let at = path; at !== ''; at = parentOf(at)) {
      const names = namesByDirectory.get(parentOf(at)) ?? new Set()
      namesByDirectory.set(parentOf(at), names)
      if (names.has(nameOf(at))) break
      names.add(nameOf(at))
    }
  }
  for (const [directory, names] of namesByDirectory) {
    const present = listDirectory(join(root, directory)).flatMap((entry) => (entry.isUndecodable ? [] : [entry.name]))
    const folds = directoryFolds(join(root, directory), present, folding)
    if (!folds.case && !folds.unicode) continue
    const byFolded = new Map<string, string>()
    const staying = present.filter((name) => !leaving.has(joinPath(directory, name)))
    for (const name of new Set([...staying, ...names])) {
      const folded = foldName(name, folds)
      const other = byFolded.get(folded)
      if (other !== undefined && (names.has(name) || names.has(other))) throw collision(directory, other, name)
      byFolded.set(folded, name)
    }
  }
}

function foldName(name: string, folding: Folding): string {
  const composed = folding.unicode ? name.normalize('NFC') : name
  // Upper case first: it also folds letters that have one upper and two lower forms.
  return folding.case ? composed.toUpperCase().toLowerCase() : composed
}

function directoryFolds(directory: string, names: readonly string[], folding: Folding): Folding {
  if (folding.case) return folding
  const known = new Set(names)
  const sample = names.find((name) => swapCase(name) !== name && !known.has(swapCase(name)))
  if (sample === undefined || lstatIfAny(join(directory, swapCase(sample))) === null) return folding
  return { ...folding, case: true }
}

function swapCase(name: string): string {
  const upper = name.toUpperCase()
  return upper === name ? name.toLowerCase() : upper
}

function collision(directory: string, a: string, b: string): MoultFailure<'NAMES_COLLIDE'> {
  const path = joinPath(directory, b)
  return new MoultFailure('NAMES_COLLIDE', {
    message: `${joinPath(directory, a)} and ${path} would be one file on this file system.`,
    hint: 'Change the step so that the names differ in more than case or Unicode form.',
    details: { path },
  })
}
