import type { Overlay } from '../../disk/overlay.js'
import type { Marker } from '../../model/marker.js'
import { noChanges } from '../../model/report.js'
import { describeStep } from '../../model/step.js'
import type { Lane, Step } from '../../model/step.js'
import type { Place, RunScope, StepContext, StoreTransaction, View } from '../../model/store.js'
import { beginFiles } from '../files/begin-files.js'
import { countChanges } from '../files/count-changes.js'
import { makeFilesReader, makeFilesWriter } from '../files/make-files.js'
import type { FilesScope } from '../files/rejection.js'
import { replaceMarkerIn, unwriteMarkerIn, writeMarkerInto } from '../files/write-marker.js'
import { revertStep, runStep } from './run-step.js'
import type { Breach, StepRun } from './run-step.js'

/** A run's transaction on a directory: an overlay, invisible until the commit of its files. */
export async function beginDirectory(place: Place, run: RunScope, expected: Marker | null): Promise<StoreTransaction> {
  const { overlay, marker } = await beginFiles(place, run, expected)
  return openTransaction(place, run, overlay, marker)
}

function openTransaction(place: Place, run: RunScope, overlay: Overlay, first: Marker): StoreTransaction {
  const { name } = place.spec
  let marker = first
  const breaches: Breach[] = []
  const scopeFor = (step: string, version: number): FilesScope => ({ store: name, step, version, signal: run.signal })

  const stepRun = (step: Step, stores: Readonly<Record<string, unknown>>, context: StepContext): StepRun => {
    const { lane, at } = findStep(place, step)
    return { overlay, scope: scopeFor(describeStep(lane, step.name), at), step, stores, context, breaches }
  }

  return {
    store: name,
    commit: { by: 'files', overlay },
    apply: async (step, stores, context) => await runStep(stepRun(step, stores, context)),
    revert: async (step, stores, context) => await revertStep(stepRun(step, stores, context)),
    applyFlat: async () => ({ result: 'done', changes: noChanges }),
    view: (at, access, by): View => {
      const scope = scopeFor(by, at)
      const handle = access === 'write' ? makeFilesWriter(overlay, scope) : makeFilesReader(overlay, scope)
      breaches.push(handle.breach)
      const savepoint = overlay.savepoint()
      const before = overlay.changes()
      return {
        value: handle.files,
        changes: () => (access === 'write' ? countChanges(before, overlay.changes()) : noChanges),
        undo: () => overlay.rollbackTo(savepoint),
        expire: () => {
          handle.expire()
          throwFirst([handle.breach])
        },
      }
    },
    mark: (entries, touches) => {
      marker = writeMarkerInto(overlay, marker, { entries, touches })
    },
    unmark: (entries, touches) => {
      marker = unwriteMarkerIn(overlay, marker, { entries, touches })
    },
    remark: (change) => {
      marker = replaceMarkerIn(overlay, change(marker))
    },
    prepare: async () => throwFirst(breaches),
    // What was staged stays until the run folder goes: a commit that was decided and then interrupted needs it.
    rollback: async () => {},
    close: async () => {},
  }
}

/** A step that did not await what it did with a store may have done half of it. */
function throwFirst(breaches: readonly Breach[]): void {
  for (const breach of breaches) {
    const failure = breach()
    if (failure !== null) throw failure
  }
}

/** The list that a step stands in, and the version it brings that to. */
function findStep(place: Place, step: Step): { readonly lane: Lane; readonly at: number } {
  for (const lane of [place.spec.lane, ...place.tracks]) {
    const index = lane.steps.indexOf(step)
    if (index !== -1) return { lane, at: lane.squashed + index + 1 }
  }
  throw new TypeError(`'${step.name}' is no step of the store '${place.spec.name}'`)
}
