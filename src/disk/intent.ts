/**
 * The physical description of one commit: enough to finish or undo it without step code. Paths are relative to the
 * root, with `/`. `docs/format.md` describes the file; `intent-file.ts` writes and reads it.
 */
export interface Intent {
  readonly number: number
  readonly decider: Decider | null
  /** Staging folders; the operations name them by their place. */
  readonly stagings: readonly string[]
  /** Files that leave their path, to `out/<number>` of a staging folder. */
  readonly outs: readonly Out[]
  /** Directories that are empty afterwards, innermost first. */
  readonly removed: readonly DirectoryState[]
  /** Directories that are new, outermost first. */
  readonly made: readonly MadeDirectory[]
  /** Directories in which phase one changes entries, as they were. */
  readonly touched: readonly DirectoryState[]
  /** Files that come to a path. Markers are last. */
  readonly ins: readonly In[]
}

/** The SQLite store whose COMMIT decides. */
export interface Decider {
  readonly store: string
  /** Relative to the root. */
  readonly path: string
  /** The row it commits (protocol 5). */
  readonly commitId: string
}

export interface Out {
  readonly path: string
  readonly staging: number
  readonly number: number
  /** Hard-linked, so that readers see no gap, because a file comes to the same path; else renamed. */
  readonly isLinked: boolean
  /** As `lastingIdentityOf`. */
  readonly was: string
}

export interface In {
  readonly path: string
  readonly staging: number
  /** `in`: new content; `out`: a file that moves. */
  readonly from: 'in' | 'out'
  readonly number: number
  /** Of new content. */
  readonly sha256: string | null
  /** As `lastingIdentityOf`, of the file that stands there now. */
  readonly replaces: string | null
}

export interface DirectoryState {
  readonly path: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly atimeNs: bigint
  readonly mtimeNs: bigint
}

export interface MadeDirectory {
  readonly path: string
  /** null: what the umask makes of 0777. */
  readonly mode: number | null
  readonly uid: number
  readonly gid: number
}
