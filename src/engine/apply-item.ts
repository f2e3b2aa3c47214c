import { digestSource } from '../disk/digest.js'
import { acceptInto } from '../model/accept.js'
import { isMoultError } from '../model/errors.js'
import type { Listener } from '../model/events.js'
import type { MarkerEntry } from '../model/marker.js'
import { flatName, retryName, startName } from '../model/plan.js'
import type { PlanItem } from '../model/plan.js'
import { addChanges, noChanges } from '../model/report.js'
import type { StepReport } from '../model/report.js'
import { skipStep } from '../model/skip.js'
import { stampInto } from '../model/stamp.js'
import { describeStep, stepAt } from '../model/step.js'
import type { Applied, StepContext, StoreTransaction, View } from '../model/store.js'
import { entryFor } from './entry-for.js'
import type { Scene } from './places.js'
import type { Progress } from './report.js'
import { placeFor } from './work.js'
import type { Work } from './work.js'

export interface Applying {
  readonly scene: Scene
  readonly work: Work
  readonly progress: Progress
  readonly signal: AbortSignal
  readonly dryRun: boolean
  readonly onEvent: Listener
}

/** Does one thing of the plan, invisibly to everybody else until the commit, marker included. */
export async function applyItem(applying: Applying, item: PlanItem): Promise<void> {
  const transaction = await applying.work.transaction(item.store)
  if (item.action === 'step') return applyStep(applying, item, transaction)
  if (item.action === 'undo') return undoStep(applying, item, transaction)
  if (item.action === 'retry') return applyRetry(applying, item.store, transaction)
  if (item.action === 'accept') return applyAccept(applying, item, transaction)
  if (item.action === 'stamp') return applyStamp(applying, item, transaction)
  const { scene, progress } = applying
  const startedAt = performance.now()
  if (item.action === 'flat') {
    const applied = await transaction.applyFlat()
    transaction.mark(standingEntries(scene, item.store, item.place, 'flat'), [])
    progress.add(reportOf({ store: item.store, track: '', step: flatName }, 'up', startedAt, applied))
  } else transaction.mark(standingEntries(scene, item.store, item.place, 'adopted'), [])
}

type StepItem = Extract<PlanItem, { readonly action: 'step' }>
type UndoItem = Extract<PlanItem, { readonly action: 'undo' }>

async function applyStep(applying: Applying, item: StepItem, transaction: StoreTransaction): Promise<void> {
  const { store, track, step } = item
  await reportWork(applying, { store, track, step: step.name }, 'up', async (context) => {
    const applied = await withViews(applying, item, (views) => transaction.apply(step, views, context))
    await markStep(applying, item, transaction, applied)
    return applied
  })
}

/** The step's `down`, unless `up` had done nothing; then its traces in the markers, of all stores that it wrote. */
async function undoStep(applying: Applying, item: UndoItem, transaction: StoreTransaction): Promise<void> {
  const { store, track, step, entry } = item
  const by = describeStep({ store, track }, step.name)
  await reportWork(applying, { store, track, step: step.name }, 'down', async (context) => {
    const applied = entry.arrival === 'skipped' ? nothingToUndo : await revertStep(applying, item, transaction, context)
    transaction.unmark([entry], [])
    for (const other of entry.wrote) {
      const written = await applying.work.transaction(other)
      written.unmark([], [{ by, commit: entry.commit ?? '' }])
    }
    return applied
  })
}

const nothingToUndo: Applied = { result: 'skipped', reason: 'it had been skipped', changes: noChanges }

async function revertStep(
  applying: Applying,
  item: UndoItem,
  transaction: StoreTransaction,
  context: StepContext,
): Promise<Applied> {
  try {
    return await withViews(applying, item, (views) => transaction.revert(item.step, views, context))
  } catch (error) {
    if (isMoultError(error))
      error.message = `While ${describeStep(item, item.step.name)} was being undone: ${error.message}`
    throw error
  }
}

async function applyRetry(applying: Applying, store: string, transaction: StoreTransaction): Promise<void> {
  await reportWork(applying, { store, track: '', step: retryName }, 'up', async (context) => {
    if (!transaction.retry) throw new TypeError(`the store '${store}' leaves no documents`)
    const applied = await transaction.retry(context)
    transaction.mark([], [])
    return applied
  })
}

/** No step runs: the marker alone changes. */
function applyAccept(
  { scene, progress }: Applying,
  { store, edits }: Extract<PlanItem, { readonly action: 'accept' }>,
  transaction: StoreTransaction,
): void {
  const { app, appVersion } = scene.spec
  const by = [app, appVersion ?? ''].join(' ').trim()
  const was = new Map<string, string>()
  transaction.remark((marker) => {
    for (const { track, place, checksum } of marker.entries) was.set(`${track}@${place}`, checksum ?? '')
    return acceptInto(marker, edits, { digest: digestSource, by, at: new Date().toISOString() })
  })
  for (const { track, place, step } of edits) {
    const report = reportOf({ store, track, step: step.name }, 'up', performance.now(), null)
    progress.add({ ...report, result: 'accepted', ms: 0, was: was.get(`${track}@${place}`) ?? '' })
  }
}

function applyStamp(
  { progress }: Applying,
  { store, stamp }: Extract<PlanItem, { readonly action: 'stamp' }>,
  transaction: StoreTransaction,
): void {
  const appliedAt = Math.floor(Date.now() / 1000)
  transaction.remark((marker) =>
    stampInto(marker, { ...stamp, entries: stamp.entries.map((entry) => ({ ...entry, appliedAt })) }),
  )
  const { entries, lanes, reason } = stamp
  // A stamp that adds no step is still to be found in the history
  const steps = lanes.flatMap(({ track, name }) => {
    const added = entries.filter((entry) => entry.track === track).map((entry) => entry.name)
    return (added.length > 0 ? added : [name ?? startName]).map((step) => ({ track, step }))
  })
  for (const { track, step } of steps)
    progress.add({
      ...reportOf({ store, track, step }, 'up', performance.now(), null),
      result: 'stamped',
      ms: 0,
      reason,
    })
}

interface NamedStep {
  readonly store: string
  readonly track: string
  readonly step: string
}

/** Tells listeners and the report of a step, however it ends. */
async function reportWork(
  applying: Applying,
  named: NamedStep,
  direction: StepReport['direction'],
  work: (context: StepContext) => Promise<Applied>,
): Promise<void> {
  const { progress, onEvent } = applying
  const event = { type: 'step', ...named } as const
  const startedAt = performance.now()
  onEvent({ ...event, phase: 'start' })
  try {
    const applied = await work(contextFor(applying, named))
    const report = reportOf(named, direction, startedAt, applied)
    progress.add(report)
    onEvent({ ...event, phase: applied.result, ms: report.ms })
  } catch (error) {
    const reason = isMoultError(error) ? error.message : String(error)
    progress.add({ ...reportOf(named, direction, startedAt, null), result: 'failed', reason })
    onEvent({ ...event, phase: 'failed' })
    throw error
  }
}

function reportOf(
  named: NamedStep,
  direction: StepReport['direction'],
  startedAt: number,
  applied: Applied | null,
): StepReport {
  const ms = Math.round((performance.now() - startedAt) * 10) / 10
  const base = {
    ...named,
    direction,
    result: applied?.result ?? 'done',
    ms,
    changes: applied?.changes ?? noChanges,
  } as const
  return applied?.reason === undefined ? base : { ...base, reason: applied.reason }
}

/** Opens what the step reads and writes, and lets none of it live longer than the step. */
async function withViews(
  { work }: Applying,
  { store, track, step }: StepItem | UndoItem,
  use: (views: Record<string, unknown>) => Promise<Applied>,
): Promise<Applied> {
  const by = describeStep({ store, track }, step.name)
  const views: Record<string, View> = {}
  for (const [name, reference] of Object.entries(step.reads)) views[name] = await work.view(reference, 'read', by)
  for (const [name, reference] of Object.entries(step.writes)) views[name] = await work.view(reference, 'write', by)
  const values = Object.fromEntries(Object.entries(views).map(([name, view]) => [name, view.value]))
  try {
    const applied = await use(values)
    const changes = Object.values(views).reduce((sum, view) => addChanges(sum, view.changes()), applied.changes)
    expire(views, applied.result)
    return applied.result === 'skipped' ? applied : { ...applied, changes }
  } catch (error) {
    tryTo(() => expire(views, 'done'))
    throw error
  }
}

/** Views of one database are savepoints in one another: the last one opened is the first to end. */
function expire(views: Readonly<Record<string, View>>, result: Applied['result']): void {
  for (const view of Object.values(views).reverse()) {
    if (result === 'skipped') view.undo()
    view.expire()
  }
}

/** What goes wrong here must not hide the error that is being thrown already. */
function tryTo(action: () => void): void {
  try {
    action()
  } catch {
    // The first cause is the one to report.
  }
}

function contextFor({ signal, dryRun, onEvent }: Applying, named: NamedStep): StepContext {
  return {
    signal,
    dryRun,
    progress: (done, total) =>
      onEvent({
        type: 'step',
        ...named,
        phase: 'progress',
        done,
        ...(total === undefined ? {} : { total }),
      }),
    skip: skipStep,
  }
}

/** The step's own marker, and a line in the marker of each store that it wrote (protocol 20). */
async function markStep(
  { scene, work }: Applying,
  { store, track, place, step }: StepItem,
  transaction: StoreTransaction,
  { result }: Applied,
): Promise<void> {
  const wrote = result === 'skipped' ? [] : [...new Set(Object.values(step.writes).map((reference) => reference.store))]
  const commit = wrote.length > 0 ? work.commitId(store) : null
  transaction.mark(
    [
      entryFor(scene.spec, track, place, step.name, step, {
        arrival: result === 'skipped' ? 'skipped' : 'step',
        commit,
        wrote,
      }),
    ],
    [],
  )
  for (const other of wrote) {
    const written = await work.transaction(other)
    written.mark([], [{ by: describeStep({ store, track }, step.name), commit: commit ?? '' }])
  }
}

/** Entries for places that data stands at without our steps having run: adopted, or made by a flat schema. */
function standingEntries(scene: Scene, store: string, place: number, arrival: 'flat' | 'adopted'): MarkerEntry[] {
  const { lane } = placeFor(scene, store).spec
  return lane.names
    .slice(0, place)
    .map((name, index) =>
      entryFor(scene.spec, '', index + 1, name, stepAt(lane, index + 1), { arrival, commit: null, wrote: [] }),
    )
}
