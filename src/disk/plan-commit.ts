import { join } from 'node:path'
import { breathe } from './breathe.js'
import { completeIntent } from './complete-intent.js'
import { changedFile, damaged, undecodableFile, unsupportedFile } from './failures.js'
import { identityOf, lastingIdentityOf, lstatIfAny } from './identity.js'
import type { Decider, In, Intent, Out } from './intent.js'
import type { Overlay } from './overlay.js'
import type { OverlayDraft } from './overlay-draft.js'
import { joinPath } from './relative-path.js'

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
  const left = drafts.flatMap(({ claim, leaving }) => leaving.map(({ path }) => ({ base: claim.base, path })))
  const stagings = drafts.map((draft) => draft.staging.path)
  return completeIntent({ root, number, decider, stagings, outs, ins, left })
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
    if (draft.old.kindOf(path) === 'undecodable') throw undecodableFile(shown)
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
