import { join } from 'node:path'
import { isMoultError, MoultFailure } from '../model/errors.js'
import { reversePhaseOne, runPhaseOne, runPhaseTwo } from './commit-phases.js'
import { checkReplaceable } from './check-replaceable.js'
import { checkStill } from './commit-room.js'
import type { CommitWork } from './commit-work.js'
import { diskFailure, unfinished } from './failures.js'
import { checkNames, probeFolding } from './fold-names.js'
import { intentPath, writeIntent } from './intent-file.js'
import type { Decider, Intent } from './intent.js'
import { appendOutcome, dropIntent } from './intent-outcome.js'
import { makeStagedDurable } from './make-staged-durable.js'
import { lstatIfAny } from './identity.js'
import { nearestDirectory } from './new-file-ownership.js'
import type { Overlay } from './overlay.js'
import { planCommit } from './plan-commit.js'
import { isReachable } from './reach.js'
import { parentOf } from './relative-path.js'

export interface CommitRequest {
  /** The state's real path. */
  readonly root: string
  /** Absolute: `.moult/run`. */
  readonly runFolder: string
  /** Unique in the run; later commits have larger ones. */
  readonly number: number
  readonly overlays: readonly Overlay[]
  readonly decider: Decider | null
  /**
   * Called only if there is a decider. An error means that nobody knows. If the decision takes a while, `check` is to be
   * called right before it: it throws when somebody has changed a file meanwhile, and then the decider rolls back.
   */
  readonly decide: (check: () => void) => Promise<'committed' | 'rolled-back'>
  /** Throws `LOCK_LOST` if the lock is gone. */
  readonly fence: () => void
  readonly onKept?: NonNullable<CommitWork['onKept']>
}

/**
 * Carries out what overlays hold, all of it or nothing (protocol 4). Before the decision an error leaves every path
 * with the bytes, mode and mtime it had, and is thrown. After the decision, and where nobody knows, the error is
 * `UNFINISHED` and the journal stays: recovery (`readCommits`) goes on from it, as it does after a crash. Codes:
 * `STORE_CHANGED`, `NAMES_COLLIDE`, `FILE_UNSUPPORTED`, `NO_SPACE`, `NO_PERMISSION`, `READ_ONLY`, `DISK_FAILED`,
 * `TRANSACTION_LOST` when the decider rolled back, and what `fence` throws: then the commit is left as it stands, for
 * whoever has the lock now.
 */
export async function commitFiles(request: CommitRequest): Promise<void> {
  await commitIntent(request, () => planCommit(request))
}

/** As `commitFiles`, for what no overlay holds: `plan` says what leaves and what comes, and has staged it. */
export async function commitIntent(
  request: Omit<CommitRequest, 'overlays'>,
  plan: () => Promise<Intent>,
): Promise<void> {
  const { root, runFolder, number, decider } = request
  const path = intentPath(runFolder, number)
  const intent = await prepare(request, plan)
  const work: CommitWork = {
    root,
    runFolder,
    intent,
    fence: request.fence,
    onKept: request.onKept ?? (() => undefined),
  }
  await runUndecided(work, path, request)
  try {
    if (decider !== null) await appendOutcome(work, path, 'decided')
    await runPhaseTwo(work)
    await appendOutcome(work, path, 'done')
  } catch (error) {
    throw unfinished(path, error)
  }
}

/** Everything before the intent: nothing but staging folders changes. */
async function prepare(request: Omit<CommitRequest, 'overlays'>, plan: () => Promise<Intent>): Promise<Intent> {
  const { root } = request
  try {
    const intent = await plan()
    // The look at rights costs a rename a file, most of it while the disk is busy with the other
    const both = await Promise.allSettled([makeStagedDurable(root, intent), checkReplaceable({ root, intent })])
    for (const each of both) if (each.status === 'rejected') throw each.reason
    checkFinalNames(root, intent)
    checkReach(root, intent)
    request.fence()
    return intent
  } catch (error) {
    throw diskFailure(error, 'Preparing the commit')
  }
}

/** From the intent to the decision. An error is thrown after everything was put back. */
async function runUndecided(work: CommitWork, path: string, request: Omit<CommitRequest, 'overlays'>): Promise<void> {
  try {
    writeIntent(path, work.intent)
    await runPhaseOne(work)
    request.fence()
    if (request.decider === null) {
      await appendOutcome(work, path, 'decided')
      return
    }
  } catch (error) {
    if (isUndecidable(error)) throw unfinished(path, error.cause)
    await putBack(work, path, { cause: error, fence: request.fence })
    throw diskFailure(error, 'The commit')
  }
  const changes: Error[] = []
  const check = (): void => {
    try {
      request.fence()
      checkStill(work)
    } catch (error) {
      const change = diskFailure(error, 'The commit') as Error
      changes.push(change)
      throw change
    }
  }
  let decision: 'committed' | 'rolled-back'
  try {
    decision = await request.decide(check)
  } catch (error) {
    throw unfinished(path, error)
  }
  if (decision === 'committed') return
  const [change] = changes
  if (change !== undefined) {
    await putBack(work, path, { cause: change, fence: request.fence })
    throw change
  }
  const cause = new MoultFailure('TRANSACTION_LOST', {
    message: `${request.decider.store} rolled its part of the commit back, so the files were put back too.`,
    hint: 'Start again; if it happens again, look at what the step does in this database.',
    details: { store: request.decider.store },
  })
  await putBack(work, path, { cause, fence: request.fence })
  throw cause
}

function isUndecidable(error: unknown): error is MoultFailure {
  return error instanceof MoultFailure && error.code === 'UNFINISHED'
}

/** Takes phase one back and then the intent, in this order: a crash between finds nothing left to do. */
async function putBack(
  work: CommitWork,
  path: string,
  { cause, fence }: { readonly cause: unknown; readonly fence: () => void },
): Promise<void> {
  // Another run may be carrying this commit out
  fence()
  try {
    if (lstatIfAny(path) === null) return
    await reversePhaseOne(work)
    dropIntent(path)
  } catch (error) {
    if (isMoultError(error, 'LOCK_LOST')) throw error
    throw unfinished(
      path,
      new AggregateError([cause, error], 'The commit failed, and so did putting it back.', { cause }),
    )
  }
}

function checkFinalNames(root: string, intent: Intent): void {
  const leaving = new Set([...intent.outs, ...intent.removed].map(({ path }) => path))
  for (const [index, staging] of intent.stagings.entries()) {
    const arriving = intent.ins.filter((arrival) => arrival.staging === index && arrival.replaces === null)
    if (arriving.length === 0) continue
    const folding = probeFolding(join(root, staging, 'in'))
    checkNames(
      root,
      leaving,
      arriving.map(({ path }) => path),
      folding,
    )
  }
}

/**
 * Throws EXDEV if a directory that gets content cannot be reached by renames from its staging folder, because
 * something is mounted inside the store.
 */
function checkReach(root: string, intent: Intent): void {
  const checked = new Set<string>()
  for (const { path, staging } of intent.ins) {
    const key = `${staging}:${parentOf(path)}`
    if (checked.has(key)) continue
    checked.add(key)
    const directory = nearestDirectory(root, parentOf(path))
    if (isReachable(join(root, intent.stagings[staging] ?? '', 'in'), directory)) continue
    const text = `EXDEV: another file system is mounted at or above ${directory}`
    throw Object.assign(new Error(text), { code: 'EXDEV', path: directory })
  }
}
