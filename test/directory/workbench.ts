import * as fs from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { commitFiles } from '#moult/disk/commit-files.js'
import type { Overlay } from '#moult/disk/overlay.js'
import { removeRunFolder } from '#moult/disk/run-folder.js'
import { isMoultError } from '#moult/model/errors.js'
import type { ErrorCode } from '#moult/model/errors.js'
import { claimFiles } from '#moult/model/claims.js'
import type { Marker, MarkerEntry } from '#moult/model/marker.js'
import { skipStep } from '#moult/model/skip.js'
import type { Step } from '#moult/model/step.js'
import type { Applied, Found, Place, StepContext, Store, StoreTransaction } from '#moult/model/store.js'
import { makeRoot } from '../disk/tree.js'

export const context: StepContext = {
  signal: new AbortController().signal,
  dryRun: false,
  progress: () => {},
  skip: skipStep,
}

/** A root in which stores are examined and upgraded as the engine would do it, without its lock and journal. */
export interface Workbench {
  readonly root: string
  place(store: Store): Place
  examine(store: Store): Promise<Found>
  begin(store: Store, expected?: Marker | null): Promise<StoreTransaction>
  apply(transaction: StoreTransaction, store: Store, stores?: Record<string, unknown>): Promise<Applied[]>
  commit(...transactions: readonly StoreTransaction[]): Promise<void>
  /** All steps from the first, marked and committed. */
  upgrade(store: Store): Promise<Applied[]>
  text(path: string): string
}

export function workbench(t: Pick<TestContext, 'after'>, ...others: readonly Store[]): Workbench {
  const root = makeRoot(t)
  const runFolder = join(root, '.moult', 'run')
  let commits = 0

  const place = (store: Store): Place => {
    const spec = store['~store']
    const claim = claimFiles([store, ...others.filter(({ name }) => name !== store.name)]).get(store.name)!
    return { spec, tracks: [], root, path: join(root, spec.path), claim }
  }
  const examine = (store: Store): Promise<Found> => store['~store'].code.examine(place(store))

  const begin = async (store: Store, expected: Marker | null = null): Promise<StoreTransaction> => {
    fs.mkdirSync(runFolder, { recursive: true })
    const driver = (): never => {
      throw new Error('a directory needs no driver')
    }
    return await store['~store'].code.begin(
      place(store),
      { runFolder, driver, signal: context.signal, waitMs: 0, warn: () => {} },
      expected,
    )
  }

  const apply = async (
    transaction: StoreTransaction,
    store: Store,
    stores: Record<string, unknown> = {},
  ): Promise<Applied[]> => {
    const applied: Applied[] = []
    for (const [index, step] of store['~store'].lane.steps.entries()) {
      applied.push(await transaction.apply(step, stores, context))
      transaction.mark([entryFor(step, index + 1)], [])
    }
    return applied
  }

  const commit = async (...transactions: readonly StoreTransaction[]): Promise<void> => {
    const overlays = transactions.map((each) => (each.commit as { overlay: Overlay }).overlay)
    for (const each of transactions) await each.prepare()
    const decide = (): never => {
      throw new Error('nobody else decides')
    }
    await commitFiles({ root, runFolder, number: (commits += 1), overlays, decider: null, decide, fence: () => {} })
    for (const each of transactions) await each.close()
    await removeRunFolder(root, [])
  }

  return {
    root,
    place,
    examine,
    begin,
    apply,
    commit,
    text: (path) => fs.readFileSync(join(root, path), 'utf8'),
    upgrade: async (store) => {
      const found = await examine(store)
      const transaction = await begin(store, found.is === 'marked' ? found.marker : null)
      const applied = await apply(transaction, store)
      await commit(transaction)
      return applied
    },
  }
}

export function entryFor(
  step: Pick<Step, 'name' | 'additive'>,
  place: number,
  more: Partial<MarkerEntry> = {},
): MarkerEntry {
  return {
    track: '',
    place,
    name: step.name,
    checksum: null,
    additive: step.additive,
    description: null,
    appliedAt: 1_700_000_000,
    appVersion: '1.0.0',
    arrival: 'step',
    commit: null,
    wrote: [],
    ...more,
  }
}

/** A schema of no library: fits where `check` says so. */
export function schemaOf<T>(check: (value: T) => boolean, path: readonly PropertyKey[] = ['id']) {
  return {
    '~standard': {
      version: 1 as const,
      vendor: 'test',
      types: undefined as unknown as { readonly input: T; readonly output: T },
      validate: (value: unknown) =>
        check(value as T)
          ? { value: value as T }
          : { issues: [{ message: `refused: ${JSON.stringify(value)}`, path }] },
    },
  }
}

export const anything = schemaOf<Record<string, unknown>>(() => true)

/** The glob's paths. */
export async function collect<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of iterable) items.push(item)
  return items
}

export const fails =
  (code: ErrorCode, pattern = /./) =>
  (error: unknown) =>
    isMoultError(error, code) && pattern.test(error.message) && error.hint !== ''

/** Runs one step and does not commit. */
export async function tryStep(at: Workbench, store: Store, stores: Record<string, unknown> = {}): Promise<unknown> {
  const transaction = await at.begin(store)
  return await at.apply(transaction, store, stores)
}
