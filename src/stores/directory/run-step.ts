import type { Overlay } from '../../disk/overlay.js'
import { MoultFailure } from '../../model/errors.js'
import { noChanges } from '../../model/report.js'
import { isStepSkipped } from '../../model/skip.js'
import type { StepSkipped } from '../../model/skip.js'
import type { Step } from '../../model/step.js'
import { runStepCode } from '../../model/step-code.js'
import type { Applied, StepContext } from '../../model/store.js'
import { countChanges } from '../files/count-changes.js'
import { makeFilesReader, makeFilesWriter } from '../files/make-files.js'
import type { FilesScope } from '../files/rejection.js'
import { describeCheckFailure, describeStepFailure } from '../files/step-failure.js'

export interface StepRun {
  readonly overlay: Overlay
  readonly scope: FilesScope
  readonly step: Step
  readonly stores: Readonly<Record<string, unknown>>
  readonly context: StepContext
  /** Gets a question for later: whether the step went on after its end. */
  readonly breaches: Breach[]
}

/** HANDLE_EXPIRED if whoever had the files used them after its end; else null. */
export type Breach = () => MoultFailure<'HANDLE_EXPIRED'> | null

/** One step on an overlay, behind a savepoint: `up`, then `validate`, which only reads. */
export function runStep(run: StepRun): Promise<Applied> {
  return runBody(run, run.step.up, () => validate(run))
}

/** The way back of a step, in the same manner; `validate` speaks of what `up` makes, so it is not asked. */
export function revertStep(run: StepRun): Promise<Applied> {
  return runBody(run, run.step.down, async () => undefined)
}

async function runBody(run: StepRun, body: Step['down'], validateStep: () => Promise<void>): Promise<Applied> {
  const { overlay } = run
  const savepoint = overlay.savepoint()
  const before = overlay.changes()
  const skipped = await runCode(run, body)
  if (skipped !== null) {
    overlay.rollbackTo(savepoint)
    return { result: 'skipped', reason: skipped.reason, changes: noChanges }
  }
  await validateStep()
  return { result: 'done', changes: countChanges(before, overlay.changes()) }
}

async function runCode(
  { overlay, scope, stores, context, breaches }: StepRun,
  body: Step['down'],
): Promise<StepSkipped | null> {
  const handle = makeFilesWriter(overlay, scope)
  breaches.push(handle.breach)
  const { signal, dryRun } = context
  const progress = (done: number, total?: number): void => context.progress(done, total)
  const skip = (reason: string): never => context.skip(reason)
  let skipped: StepSkipped | null = null
  try {
    if (typeof body !== 'function') throw new TypeError(`the step ${scope.step} has no function to run`)
    await runStepCode(signal, () => body({ files: handle.files, stores, signal, dryRun, progress, skip } as never))
  } catch (error) {
    if (!isStepSkipped(error)) throw describeStepFailure(error, scope.store, scope.step)
    skipped = error
  } finally {
    handle.expire()
  }
  await endTurn()
  const breach = handle.breach()
  if (breach !== null) throw breach
  return skipped
}

/** A promise that was not awaited goes on in this turn of the event loop; it then meets a handle that is dead. */
async function endTurn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

async function validate({ overlay, scope, step, stores, context }: StepRun): Promise<void> {
  const check = step.validate
  if (check === null) return
  const handle = makeFilesReader(overlay, scope)
  let verdict: unknown
  try {
    verdict = await runStepCode<unknown>(context.signal, () => check({ files: handle.files, stores } as never))
  } catch (error) {
    throw describeCheckFailure(error, scope.store, scope.step)
  } finally {
    handle.expire()
  }
  if (verdict === true) return
  throw refused(
    scope,
    typeof verdict === 'string' && verdict !== '' ? verdict : `its check gave ${describeVerdict(verdict)}`,
  )
}

function describeVerdict(verdict: unknown): string {
  if (verdict === undefined) return 'nothing, neither true nor a sentence'
  return verdict === false || verdict === '' ? 'no reason' : `a ${typeof verdict}, neither true nor a sentence`
}

function refused(scope: FilesScope, reason: string): MoultFailure<'VALIDATION_FAILED'> {
  return new MoultFailure('VALIDATION_FAILED', {
    message: `The step ${scope.step} failed its own check: ${reason.replace(/\.$/, '')}.`,
    hint: 'Mend the step, or what it found, and start again.',
    details: { store: scope.store, step: scope.step, reason },
  })
}
