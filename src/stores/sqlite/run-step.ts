import type { Connection } from '../../model/driver.js'
import { MoultFailure, isMoultError } from '../../model/errors.js'
import { noChanges } from '../../model/report.js'
import { isStepSkipped } from '../../model/skip.js'
import { thrownAt } from '../../model/thrown-at.js'
import type { StepSkipped } from '../../model/skip.js'
import { describeStep } from '../../model/step.js'
import type { Step, StepBody } from '../../model/step.js'
import { runStepCode } from '../../model/step-code.js'
import type { Applied, Place, StepContext } from '../../model/store.js'
import type { DbReader, DbWriter } from './db.js'
import { makeDb } from './db-handle.js'
import type { DbHandle, DbOptions } from './db-handle.js'
import type { ForeignKeyWatch } from './foreign-key-watch.js'

export interface StepRun {
  readonly connection: Connection
  readonly place: Place
  readonly step: Step
  readonly stores: Readonly<Record<string, unknown>>
  readonly context: StepContext
  readonly markerTables: readonly string[]
  readonly foreignKeys: ForeignKeyWatch
  /** Gets a question for later: whether the step went on after its end. */
  readonly breaches: Breach[]
}

/** HANDLE_EXPIRED if whoever had the database used it after its end; else null. */
export type Breach = () => MoultFailure<'HANDLE_EXPIRED'> | null

/**
 * One step in the run's transaction, behind a savepoint: `up`, foreign keys, `validate`. Foreign keys are checked as in
 * steps 10 and 11 of https://sqlite.org/lang_altertable.html#otheralter; violations that were there before are not this
 * step's.
 */
export function runStep(run: StepRun): Promise<Applied> {
  return runBody(run, run.step.up, (options) => validate(run, options))
}

/** The way back of a step, in the same manner; `validate` speaks of what `up` makes, so it is not asked. */
export async function revertStep(run: StepRun): Promise<Applied> {
  const { down, name } = run.step
  if (down === null || down === 'impossible') throw new TypeError(`the step '${name}' has no way back`)
  return runBody(run, down, async () => undefined)
}

async function runBody(
  run: StepRun,
  body: StepBody,
  validateStep: (options: DbOptions) => Promise<void>,
): Promise<Applied> {
  const { connection, place, step, foreignKeys } = run
  const lane = place.tracks.find((track) => track.steps.includes(step)) ?? place.spec.lane
  const name = describeStep(lane, step.name)
  const options = { storeName: place.spec.name, stepName: name, markerTables: run.markerTables }
  foreignKeys.begin()
  // SQL text cannot skip, and a step that fails takes the whole transaction with it
  const canSkip = typeof body !== 'string'
  if (canSkip) connection.exec('SAVEPOINT moult_step')
  const ran = await runCode(run, body, options)
  if (typeof ran !== 'number') {
    connection.exec('ROLLBACK TO moult_step; RELEASE moult_step')
    return { result: 'skipped', reason: ran.reason, changes: noChanges }
  }
  foreignKeys.check(name)
  await validateStep(options)
  if (canSkip) connection.exec('RELEASE moult_step')
  return { result: 'done', changes: { ...noChanges, rows: ran } }
}

/** Rows changed, or that the step left by `skip`. */
async function runCode(
  { connection, stores, context, breaches }: StepRun,
  body: StepBody,
  options: DbOptions,
): Promise<number | StepSkipped> {
  const handle = makeDb(connection, { ...options, writable: true })
  breaches.push(handle.breach)
  try {
    await perform(body, handle.db, { ...context, stores })
    refuseBroken(handle)
  } catch (error) {
    const broken = handle.broken()
    if (broken) throw broken
    if (isStepSkipped(error)) return error
    throw wrap(error, options, 'STEP_FAILED')
  } finally {
    handle.expire()
  }
  if (typeof body !== 'string') await endTurn()
  const breach = handle.breach()
  if (breach) throw breach
  return handle.rowsChanged()
}

/** A promise that was not awaited goes on in this turn of the event loop; it then meets a handle that is dead. */
async function endTurn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

async function perform(
  body: StepBody,
  db: DbWriter,
  context: StepContext & { readonly stores: StepRun['stores'] },
): Promise<void> {
  await runStepCode<unknown>(context.signal, () =>
    typeof body === 'string' ? db.exec(body) : body({ ...context, db } as never),
  )
}

async function validate({ connection, step, stores, context }: StepRun, options: DbOptions): Promise<void> {
  const check = step.validate
  if (!check) return
  const handle = makeDb(connection, { ...options, writable: false })
  let verdict: unknown
  try {
    verdict = await runStepCode<unknown>(context.signal, () => check({ db: handle.db, stores } as never))
    refuseBroken(handle)
  } catch (error) {
    throw wrap(error, options, 'VALIDATION_FAILED')
  } finally {
    handle.expire()
  }
  if (verdict === true) return
  const given =
    verdict !== null && ['object', 'function'].includes(typeof verdict) ? `a ${typeof verdict}` : String(verdict)
  const reason = typeof verdict === 'string' ? verdict : `its check returned ${given}`
  throw new MoultFailure('VALIDATION_FAILED', {
    message: `The step ${options.stepName} failed its own check: ${reason}.`,
    hint: 'Mend the step, or what it found, and start again.',
    details: { store: options.storeName, step: options.stepName, reason },
  })
}

function refuseBroken(handle: DbHandle<DbReader>): void {
  const broken = handle.broken()
  if (broken) throw broken
}

function wrap(error: unknown, { storeName, stepName }: DbOptions, code: 'STEP_FAILED' | 'VALIDATION_FAILED'): unknown {
  if (isMoultError(error)) return error
  const reason = error instanceof Error ? error.message : String(error)
  const at = thrownAt(error)
  return new MoultFailure(code, {
    message: `The step ${stepName} ${code === 'STEP_FAILED' ? 'failed' : 'could not be checked'}: ${reason.replace(/\.$/, '')}.`,
    hint: `Mend the step${at === null ? '' : ` (${at})`} and start again.`,
    details: { store: storeName, step: stepName, reason },
    cause: error,
  })
}
