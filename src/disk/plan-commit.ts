import type { BigIntStats } from 'node:fs'
import { join } from 'node:path'
import { breathe } from './breathe.js'
import { disk } from './disk.js'
import { changedFile, damaged, fileError, unsupportedFile } from './failures.js'
import { identityOf, lastingIdentityOf, lstatIfAny } from './identity.js'
import type { Decider, DirectoryState, In, Intent, MadeDirectory, Out } from './intent.js'
import type { Overlay } from './overlay.js'
import type { OverlayDraft } from './overlay-draft.js'
import { ancestorsOf, comparePaths, joinPath, parentOf } from './relative-path.js'
import { listDirectory } from './walk.js'

export interface CommitPlanRequest {
  readonly root: string
  readonly number: number
  readonly overlays: readonly Overlay[]
  readonly decider: Decider | null
}

/**
 * Reduces overlays to one intent, looking at the disk again: every file that a step saw has to be the same still, else
 * `STORE_CHANGED`. Changes nothing.
 */
export async function planCommit(request: CommitPlanRequest): Promise<Intent> {
  const { root, number, overlays, decider } = request
  const drafts = overlays.map((overlay) => overlay.draft())
  const outs: Out[] = []
  const ins: In[] = []
  const markers: In[] = []
  for (const [staging, draft] of drafts.entries()) {
    const lasting = await checkSeen(root, draft)
    addDraft({ root, draft, staging, lasting, outs, ins, markers })
  }
  ins.push(...markers)
  const leaving = new Set(outs.map((out) => out.path))
  const removed = findEmptied({ root, drafts, leaving, ins })
  const made = findMade(root, ins, leaving)
  const touchedPaths = new Set([
    ...outs.map((out) => parentOf(out.path)),
    ...removed.map((state) => parentOf(state.path)),
    ...made.map((directory) => parentOf(directory.path)),
  ])
  const touched: DirectoryState[] = []
  for (const path of touchedPaths) {
    const stats = lstatIfAny(join(root, path))
    if (stats?.isDirectory() === true) touched.push(stateOf(path, stats))
  }
  return {
    number,
    decider,
    stagings: drafts.map((draft) => draft.staging.path),
    outs,
    removed: removed.sort((a, b) => comparePaths(b.path, a.path)),
    made: made.sort((a, b) => comparePaths(a.path, b.path)),
    touched,
    ins,
  }
}

/** Compares what the step saw with what is there, and answers how each path will be known after a rename. */
async function checkSeen(root: string, draft: OverlayDraft): Promise<Map<string, string>> {
  const lasting = new Map<string, string>()
  for (const [path, identity] of draft.seen) {
    await breathe()
    const shown = joinPath(draft.claim.base, path)
    const stats = lstatIfAny(join(root, shown))
    if (stats === null) throw changedFile(shown, 'was removed')
    if (identityOf(stats) !== identity) throw changedFile(shown, 'was changed')
    lasting.set(path, lastingIdentityOf(stats))
  }
  for (const { path, isDerived } of draft.leaving) {
    if (!isDerived) continue
    const shown = joinPath(draft.claim.base, path)
    const stats = lstatIfAny(join(root, shown))
    if (stats === null) continue
    if (!stats.isFile()) throw unsupportedFile(shown, stats.isSymbolicLink() ? 'a symlink' : 'not a plain file')
    lasting.set(path, lastingIdentityOf(stats))
  }
  return lasting
}

interface DraftParts {
  readonly root: string
  readonly draft: OverlayDraft
  readonly staging: number
  readonly lasting: ReadonlyMap<string, string>
  readonly outs: Out[]
  readonly ins: In[]
  readonly markers: In[]
}

function addDraft({ root, draft, staging, lasting, outs, ins, markers }: DraftParts): void {
  const { base } = draft.claim
  const outNumbers = new Map<string, number>()
  for (const { path, movedTo, isReplaced } of draft.leaving) {
    // A file that is only replaced stays until the rename in phase two takes its place: nobody sees a gap, and there
    // is nothing to put back before the decision.
    if (isReplaced && movedTo === null) continue
    const was = lasting.get(path)
    if (was === undefined) continue
    const number = draft.staging.next()
    outNumbers.set(path, number)
    outs.push({ path: joinPath(base, path), staging, number, isLinked: isReplaced, was })
  }
  for (const { path, content, replaces } of draft.arriving) {
    const target = joinPath(base, path)
    const common = { path: target, staging, replaces: replaces ? (lasting.get(path) ?? null) : null }
    if ('staged' in content) {
      ins.push({ ...common, from: 'in', number: content.staged.number, sha256: content.staged.sha256 })
      continue
    }
    const number = outNumbers.get(content.old)
    if (number === undefined) throw damaged(target, `comes from ${content.old}, which does not leave`)
    ins.push({ ...common, from: 'out', number, sha256: null })
  }
  if (draft.marker !== null) {
    const path = joinPath(base, draft.claim.marker)
    const stats = lstatIfAny(join(root, path))
    if (stats !== null && !lasting.has(draft.claim.marker)) throw changedFile(path, 'appeared')
    const { number, sha256 } = draft.marker
    const replaces = stats === null ? null : lastingIdentityOf(stats)
    markers.push({ path, staging, from: 'in', number, sha256, replaces })
  }
}

interface EmptiedRequest {
  readonly root: string
  readonly drafts: readonly OverlayDraft[]
  readonly leaving: ReadonlySet<string>
  readonly ins: readonly In[]
}

/** The directories below the stores' bases that hold nothing once all has left, and those that a file replaces. */
function findEmptied({ root, drafts, leaving, ins }: EmptiedRequest): DirectoryState[] {
  const arriving = new Set(ins.map((arrival) => arrival.path))
  const needed = new Set<string>()
  for (const path of arriving) for (const directory of ancestorsOf(path)) needed.add(directory)
  const candidates = new Set<string>()
  for (const { claim, leaving: paths } of drafts) {
    for (const { path } of paths) {
      for (const directory of ancestorsOf(path)) candidates.add(joinPath(claim.base, directory))
    }
  }
  const emptied = new Map<string, DirectoryState | null>()
  const findOut = (path: string, isReplaced: boolean): boolean => {
    if (emptied.has(path)) return emptied.get(path) !== null
    emptied.set(path, null)
    if (needed.has(path)) return false
    const stats = lstatIfAny(join(root, path))
    if (stats === null || !stats.isDirectory()) return false
    for (const entry of listDirectory(join(root, path))) {
      const below = joinPath(path, entry.name)
      if (entry.isDirectory()) {
        if (!isReplaced && !candidates.has(below)) return false
        if (!findOut(below, isReplaced)) return false
      } else if (!leaving.has(below) || arriving.has(below)) {
        return false
      }
    }
    emptied.set(path, stateOf(path, stats))
    return true
  }
  for (const path of arriving) {
    const stats = lstatIfAny(join(root, path))
    if (stats?.isDirectory() === true && !findOut(path, true)) throw changedFile(path, 'got files')
  }
  for (const path of candidates) findOut(path, false)
  return [...emptied.values()].filter((state) => state !== null)
}

function findMade(root: string, ins: readonly In[], leaving: ReadonlySet<string>): MadeDirectory[] {
  const made = new Map<string, MadeDirectory | null>()
  /** The nearest directory that exists decides mode and owner. */
  const find = (path: string): MadeDirectory | BigIntStats => {
    const known = made.get(path)
    if (known) return known
    const stats = path === '' ? disk.stat(root) : lstatIfAny(join(root, path))
    if (stats?.isDirectory() === true) {
      made.set(path, null)
      return stats
    }
    if (stats?.isSymbolicLink() === true) throw unsupportedFile(path, 'a symlink')
    if (stats !== null && !leaving.has(path)) throw fileError('ENOTDIR', path, 'is a file')
    const parent = find(parentOf(path))
    const isPrivate = parent.mode !== null && (Number(parent.mode) & 0o077) === 0
    const directory = { path, mode: isPrivate ? 0o700 : null, uid: Number(parent.uid), gid: Number(parent.gid) }
    made.set(path, directory)
    return directory
  }
  for (const { path } of ins) if (!made.has(parentOf(path))) find(parentOf(path))
  return [...made.values()].filter((directory) => directory !== null)
}

function stateOf(path: string, stats: BigIntStats): DirectoryState {
  const { uid, gid, mode, atimeNs, mtimeNs } = stats
  return { path, mode: Number(mode) & 0o7777, uid: Number(uid), gid: Number(gid), atimeNs, mtimeNs }
}
