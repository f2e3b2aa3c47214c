import type { Claim } from '../model/claim.js'
import type { OldTree } from './old-tree.js'
import type { Content, OverlayDelta } from './overlay-delta.js'
import type { StagedFile } from './staged-file.js'
import { findStaleDerived } from './stale-derived.js'
import type { Staging } from './staging.js'

/** An old file that leaves its path, or is replaced there. Paths are relative to the claim's base. */
export interface LeavingPath {
  readonly path: string
  /** Where the file goes, or null. */
  readonly movedTo: string | null
  /** Whether other content comes to this path. */
  readonly isReplaced: boolean
  readonly isDerived: boolean
}

export interface ArrivingPath {
  readonly path: string
  readonly content: Content
  /** Whether a file stands there now. */
  readonly replaces: boolean
}

/** The difference between the old tree and the overlay, each path once. */
export interface OverlayDraft {
  readonly claim: Claim
  readonly staging: Staging
  readonly old: OldTree
  readonly leaving: readonly LeavingPath[]
  readonly arriving: readonly ArrivingPath[]
  readonly marker: StagedFile | null
  /** What `identityOf` said of each old file that was read, replaced, moved or removed. */
  readonly seen: ReadonlyMap<string, string>
}

interface DraftRequest {
  readonly claim: Claim
  readonly staging: Staging
  readonly old: OldTree
  readonly delta: OverlayDelta
  readonly marker: StagedFile | null
  readonly seen: ReadonlyMap<string, string>
}

export function draftOverlay(request: DraftRequest): OverlayDraft {
  const { claim, staging, old, delta, marker, seen } = request
  const leaving: LeavingPath[] = []
  const arriving: ArrivingPath[] = []
  const touched: string[] = []
  for (const [path, content] of delta.entries()) {
    const kind = old.kindOf(path)
    const isOldFile = kind !== undefined && kind !== 'directory'
    touched.push(path)
    if (isOldFile) {
      leaving.push({
        path,
        movedTo: delta.movedTo(path) ?? null,
        isReplaced: content !== null,
        isDerived: false,
      })
    }
    if (content !== null) arriving.push({ path, content, replaces: isOldFile })
  }
  for (const path of findStaleDerived(claim, old, touched)) {
    leaving.push({ path, movedTo: null, isReplaced: false, isDerived: true })
  }
  return { claim, staging, old, leaving, arriving, marker, seen }
}
