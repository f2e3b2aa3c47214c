import { randomUUID } from 'node:crypto'
import type { Driver } from '../model/driver.js'
import { MoultFailure } from '../model/errors.js'
import type { AnyAt } from '../model/reference.js'
import { placeOf } from '../model/step.js'
import type { Marker } from '../model/marker.js'
import type { Place, StoreTransaction, View } from '../model/store.js'
import type { Scene } from './places.js'
import type { WarningCode } from '../model/warnings.js'

export interface WorkOptions {
  readonly driver: () => Promise<Driver>
  readonly signal: AbortSignal
  readonly waitMs: number
  readonly warn: (code: WarningCode, message: string) => void
  /** The markers that the plan was made for; of stores that are not in it, this run has committed since. */
  readonly planned: ReadonlyMap<string, Marker | null>
  /** Markers that are damaged are taken for none: they are about to be replaced. */
  readonly replacesMarker: boolean
  /** Throws LOCK_LOST. Asked before a store is opened, which empties its staging folder. */
  readonly fence: () => void
}

/** The stores that a segment of a run works on, each opened when it is first needed. */
export interface Work {
  transaction(store: string): Promise<StoreTransaction>
  /** The other store as it was at the version that a step was written for. */
  view(reference: AnyAt, access: 'read' | 'write', by: string): Promise<View>
  /** The random id that the stores of one commit share. */
  commitId(store: string): string
  readonly warn: WorkOptions['warn']
  /** Lets go of every store that is still open; those that were not committed are as they were before. */
  end(): Promise<void>
}

export function openWork(scene: Scene, groupOf: (store: string) => string, options: WorkOptions): Work {
  const open = new Map<string, StoreTransaction>()
  const ids = new Map<string, string>()

  const begin = async (store: string): Promise<StoreTransaction> => {
    const place = placeFor(scene, store)
    const planned = options.planned.get(store)
    const expected = planned === undefined ? await markerNow(place) : planned
    options.fence()
    const transaction = await place.spec.code.begin(place, { ...options, runFolder: scene.runFolder }, expected)
    open.set(store, transaction)
    return transaction
  }

  return {
    transaction: async (store) => open.get(store) ?? (await begin(store)),
    view: async (reference, access, by) => {
      const transaction = open.get(reference.store) ?? (await begin(reference.store))
      const { spec, tracks } = placeFor(scene, reference.store)
      const lane = [spec.lane, ...tracks].find((each) => each.track === reference.track)
      return transaction.view((lane && placeOf(lane, reference.version)) ?? 0, access, by)
    },
    commitId: (store) => {
      const group = groupOf(store)
      const id = ids.get(group) ?? randomUUID()
      ids.set(group, id)
      return id
    },
    warn: options.warn,
    end: async () => {
      const failures: unknown[] = []
      for (const transaction of [...open.values()].reverse())
        await transaction.rollback().catch((error: unknown) => failures.push(error))
      open.clear()
      if (failures.length > 0) throw cannotLetGo(failures)
    },
  }
}

async function markerNow(place: Place): Promise<Marker | null> {
  const found = await place.spec.code.examine(place)
  return found.is === 'marked' ? found.marker : null
}

export function placeFor(scene: Scene, store: string): Place {
  const place = scene.places.find((each) => each.spec.name === store)
  if (!place) throw new TypeError(`there is no store '${store}' in this state`)
  return place
}

function cannotLetGo(failures: readonly unknown[]): MoultFailure<'UNFINISHED'> {
  return new MoultFailure('UNFINISHED', {
    message: 'The run was undone, but not everything that it had opened could be put back.',
    hint: 'Start again: the next start finishes the clean-up.',
    details: {},
    cause: failures[0],
  })
}
