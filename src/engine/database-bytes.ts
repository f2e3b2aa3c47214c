import { disk } from '../disk/disk.js'
import { isAbsent } from '../disk/identity.js'
import type { Place } from '../model/store.js'

/** How large the databases among these stores are, with what stands in their logs. */
export function databaseBytes(places: readonly Place[]): number {
  return places
    .filter(({ spec }) => spec.extent.is === 'database')
    .reduce((sum, { path }) => sum + sizeOf(path) + sizeOf(`${path}-wal`), 0)
}

function sizeOf(path: string): number {
  try {
    return Number(disk.stat(path).size)
  } catch (error) {
    if (isAbsent(error)) return 0
    throw error
  }
}
