import { createHash } from 'node:crypto'
import { dirname, join } from 'node:path'
import { isMoultError } from '../model/errors.js'
import { breathe } from './breathe.js'
import { checkInstalled, moveOut, reversePhaseOne, runPhaseOne, runPhaseTwo } from './commit-phases.js'
import { outPath, sourceOf, type CommitWork } from './commit-work.js'
import { disk } from './disk.js'
import { changedFile, damaged, unfinished } from './failures.js'
import { lastingIdentityOf, lstatIfAny } from './identity.js'
import { parseIntent } from './intent-file.js'
import { appendOutcome, dropIntent } from './intent-outcome.js'
import type { Decider, Intent } from './intent.js'
import { openPlainFile, readFile } from './read-file.js'
import { parentOf } from './relative-path.js'
import { syncDirectory } from './sync-directory.js'
import { checkNoSymlink, listDirectory } from './walk.js'

/** A commit that a run began. */
export interface FoundCommit {
  readonly number: number
  /** Of its journal, absolute. */
  readonly path: string
  /** null: the journal is not what moult wrote. It was written whole or not at all, so this is damage. */
  readonly intent: Intent | null
  readonly isDecided: boolean
  readonly isDone: boolean
  readonly decider: Decider | null
}

/** The commits whose intents are in a run folder, in order. Throws `FORMAT_UNKNOWN`. */
export function readCommits(runFolder: string): FoundCommit[] {
  const found: FoundCommit[] = []
  for (const { name } of listDirectory(runFolder)) {
    const number = /^commit-(\d{1,15})\.jsonl$/.exec(name)?.[1]
    if (number === undefined) continue
    const path = join(runFolder, name)
    const parsed = parseIntent(readFile(path), path)
    found.push({
      number: Number(number),
      path,
      intent: parsed?.intent ?? null,
      isDecided: parsed?.isDecided ?? false,
      isDone: parsed?.isDone ?? false,
      decider: parsed?.intent.decider ?? null,
    })
  }
  return found.sort((a, b) => a.number - b.number)
}

/**
 * Carries a decided commit to its end. Throws `DAMAGED`, with everything kept, if staged content has another SHA-256
 * than the journal says or is gone without having come to its place; `UNFINISHED` if the disk fails.
 */
export async function finishCommit(root: string, runFolder: string, commit: FoundCommit): Promise<void> {
  const work = workOf(root, runFolder, commit)
  try {
    await repeatOuts(work)
    await checkStaged(work, { isPhaseOneDone: true })
    // A `decided` that was seen may be in the page cache only. What follows must not outlive it on the disk.
    await appendOutcome(work, commit.path, 'decided')
    await runPhaseTwo(work)
    await appendOutcome(work, commit.path, 'done')
  } catch (error) {
    throw isMoultError(error) ? error : unfinished(commit.path, error)
  }
}

/**
 * Carries out a commit that was not written down as decided: its decider says yes, or it has none. One without a
 * decider whose files somebody has changed since is put back instead, which is as good: nobody was told that it had
 * happened. Throws as `finishCommit`.
 */
export async function redoCommit(root: string, runFolder: string, commit: FoundCommit): Promise<'done' | 'reversed'> {
  const work = workOf(root, runFolder, commit)
  // A decider is asked only once phase one is durable.
  if (commit.decider === null) {
    try {
      if (isChanged(work)) throw changedFile(commit.path, 'speaks of files that somebody changed')
      await checkStaged(work, { isPhaseOneDone: false })
      await runPhaseOne(work)
    } catch (error) {
      if (isMoultError(error, 'STORE_CHANGED')) {
        await reverseCommit(root, runFolder, commit)
        return 'reversed'
      }
      throw isMoultError(error) ? error : unfinished(commit.path, error)
    }
  }
  await finishCommit(root, runFolder, commit)
  return 'done'
}

/** Puts back a commit that was not decided and whose decider says that it did not happen. Throws as `finishCommit`. */
export async function reverseCommit(root: string, runFolder: string, commit: FoundCommit): Promise<void> {
  const work = workOf(root, runFolder, commit)
  try {
    await reversePhaseOne(work)
    dropIntent(commit.path)
  } catch (error) {
    throw isMoultError(error) ? error : unfinished(commit.path, error)
  }
}

function workOf(root: string, runFolder: string, commit: FoundCommit): CommitWork {
  const { intent } = commit
  if (intent === null) throw damaged(commit.path, 'is a journal that is torn or was changed')
  const checked = new Set<string>()
  for (const { path } of [...intent.outs, ...intent.ins, ...intent.removed, ...intent.made]) {
    checkInside(root, parentOf(path), checked)
  }
  for (const { path } of intent.touched) checkInside(root, path, checked)
  for (const path of intent.stagings) {
    for (const folder of [`${path}/in`, `${path}/out`]) checkInside(root, folder, checked)
  }
  return { root, runFolder, intent }
}

/** A file on the way is no danger and may be what leaves; a symlink would lead out of the root. */
function checkInside(root: string, path: string, checked: Set<string>): void {
  try {
    checkNoSymlink(root, path, checked)
  } catch (error) {
    if (isMoultError(error, 'FILE_UNSUPPORTED')) throw damaged(path, 'leads through a symlink')
  }
}

/** Moves out what a decided commit should have moved out and is at home still: the disk may forget a rename or a link. */
async function repeatOuts(work: CommitWork): Promise<void> {
  for (const out of work.intent.outs) {
    await breathe()
    if (lstatIfAny(outPath(work, out)) !== null || !isSame(join(work.root, out.path), out.was)) continue
    moveOut(work, out)
    syncDirectory(dirname(outPath(work, out)))
    syncDirectory(dirname(join(work.root, out.path)))
  }
}

/** Looks at all that is still staged before anything comes to its place. */
async function checkStaged(work: CommitWork, { isPhaseOneDone }: { isPhaseOneDone: boolean }): Promise<void> {
  for (const arrival of work.intent.ins) {
    await breathe()
    if (arrival.from === 'out' && !isPhaseOneDone) continue
    const source = sourceOf(work, arrival)
    const stats = lstatIfAny(source)
    if (stats === null) {
      checkInstalled(join(work.root, arrival.path), arrival)
    } else if (!stats.isFile()) {
      throw damaged(source, 'is not a plain file')
    } else if (arrival.sha256 !== null && digestFile(source) !== arrival.sha256) {
      throw damaged(source, 'does not have the content that was staged')
    }
  }
}

function isChanged(work: CommitWork): boolean {
  const { root, intent } = work
  const outs = new Set(intent.outs.map(({ path }) => path))
  return (
    intent.outs.some((out) => !isSame(outPath(work, out), out.was) && !isSame(join(root, out.path), out.was)) ||
    intent.ins.some(({ path, replaces }) => replaces !== null && !outs.has(path) && !isSame(join(root, path), replaces))
  )
}

function isSame(path: string, identity: string): boolean {
  const stats = lstatIfAny(path)
  return stats !== null && lastingIdentityOf(stats) === identity
}

function digestFile(path: string): string {
  const hash = createHash('sha256')
  const buffer = Buffer.allocUnsafe(65_536)
  const fd = openPlainFile(path)
  try {
    for (;;) {
      const count = disk.read(fd, buffer, 0, buffer.length, null)
      if (count === 0) return hash.digest('hex')
      hash.update(buffer.subarray(0, count))
    }
  } finally {
    disk.close(fd)
  }
}
