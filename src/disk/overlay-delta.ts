import { ancestorsOf } from './relative-path.js'
import type { StagedFile } from './staged-file.js'

/** Where the content of a path comes from: a staged file, or the file that stood at `old` when the step began. */
export type Content = { readonly staged: StagedFile } | { readonly old: string }

/** What differs from the old tree, path by path, with a log so that the last changes can be taken back. */
export interface OverlayDelta {
  /** undefined: as in the old tree; null: nothing there. */
  get(path: string): Content | null | undefined
  set(path: string, content: Content | null | undefined): void
  /** Whether anything was put below a directory. */
  hasBelow(directory: string): boolean
  /** The path to which the old file of `path` was moved. */
  movedTo(path: string): string | undefined
  entries(): IterableIterator<[string, Content | null]>
  mark(): number
  rollBack(mark: number): void
}

export function overlayDelta(): OverlayDelta {
  const changes = new Map<string, Content | null>()
  const movedTo = new Map<string, string>()
  const below = new Map<string, number>()
  const log: [string, Content | null | undefined][] = []

  const count = (path: string, by: 1 | -1): void => {
    for (const directory of ancestorsOf(path)) below.set(directory, (below.get(directory) ?? 0) + by)
  }

  const apply = (path: string, content: Content | null | undefined): void => {
    const before = changes.get(path)
    if (before) count(path, -1)
    if (before && 'old' in before && movedTo.get(before.old) === path) movedTo.delete(before.old)
    if (content === undefined) changes.delete(path)
    else changes.set(path, content)
    if (content) count(path, 1)
    if (content && 'old' in content) movedTo.set(content.old, path)
  }

  return {
    get: (path) => changes.get(path),
    set(path, content) {
      log.push([path, changes.get(path)])
      apply(path, content)
    },
    hasBelow: (directory) => (below.get(directory) ?? 0) > 0,
    movedTo: (path) => movedTo.get(path),
    entries: () => changes.entries(),
    mark: () => log.length,
    rollBack(mark) {
      while (log.length > mark) {
        const [path, content] = log.pop() as [string, Content | null | undefined]
        apply(path, content)
      }
    },
  }
}
