import type { Overlay } from '../../disk/overlay.js'
import { isStepSkipped } from '../../model/skip.js'
import { runStepCode } from '../../model/step-code.js'
import type { MaybePromise } from '../../model/step-options.js'
import type { StepContext } from '../../model/store.js'
import type { FilesWriter } from '../files/files.js'
import { makeFilesWriter } from '../files/make-files.js'
import type { FilesScope } from '../files/rejection.js'
import { describeStepFailure } from '../files/step-failure.js'
import { dropLeft, moveLeft } from './left-documents.js'
import type { LeftDocument } from '../../model/marker.js'

/** Moves files about, after the records themselves were brought to the version. */
export type Layout = (context: StepContext & { readonly files: FilesWriter }) => MaybePromise<void>

export interface LayoutRun {
  readonly overlay: Overlay
  readonly scope: FilesScope
  readonly arrange: Layout
  readonly context: StepContext
  readonly left: readonly LeftDocument[]
}

export interface Arranged {
  readonly added: number
  /** Moved files count as changed. */
  readonly changed: number
  readonly removed: number
  /** The documents left behind, where they are now. */
  readonly left: readonly LeftDocument[]
  /** Why the layout was left; what it had done is taken back, what was done to the records is not. */
  readonly skipped: string | null
}

export async function runLayout({ overlay, scope, arrange, context, left: first }: LayoutRun): Promise<Arranged> {
  const savepoint = overlay.savepoint()
  const before = overlay.changes()
  const handle = makeFilesWriter(overlay, scope)
  const { signal, dryRun } = context
  let left = first
  // Only here is it known which document went where.
  const files = Object.freeze<FilesWriter>({
    ...handle.files,
    move: async (from: string, to: string) => {
      await handle.files.move(from, to)
      left = moveLeft(left, from, to)
    },
    write: async (path: string, data: string | Uint8Array) => {
      await handle.files.write(path, data)
      left = dropLeft(left, path)
    },
    writeJson: async (path, schema, value) => {
      await handle.files.writeJson(path, schema, value)
      left = dropLeft(left, path)
    },
    delete: async (path: string) => {
      await handle.files.delete(path)
      left = dropLeft(left, path)
    },
  })
  try {
    const progress = (done: number, total?: number): void => context.progress(done, total)
    const skip = (reason: string): never => context.skip(reason)
    await runStepCode(signal, () => arrange({ files, signal, dryRun, progress, skip }))
  } catch (error) {
    if (!isStepSkipped(error)) throw describeStepFailure(error, scope.store, scope.step)
    handle.expire()
    overlay.rollbackTo(savepoint)
    return { added: 0, changed: 0, removed: 0, left: first, skipped: error.reason }
  } finally {
    handle.expire()
  }
  // A promise that was not awaited goes on in this turn of the event loop; it then meets a handle that is dead.
  await new Promise((resolve) => setImmediate(resolve))
  const breach = handle.breach()
  if (breach !== null) throw breach
  const after = overlay.changes()
  return {
    added: Math.max(0, after.added - before.added),
    changed: Math.max(0, after.moved - before.moved),
    removed: Math.max(0, after.removed - before.removed),
    left,
    skipped: null,
  }
}
