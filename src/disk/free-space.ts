import { MoultFailure } from '../model/errors.js'
import { dirname } from 'node:path'
import { disk } from './disk.js'
import { lstatIfAny } from './identity.js'

interface Need {
  /** Begins the sentence: `A backup of /data`. */
  readonly what: string
  readonly bytes: number
  /** What else helps than to free some space; ends with a full stop. */
  readonly hint?: string
}

/** Throws NO_SPACE, before anything is begun, unless the file system of `path` has room. `path` need not exist yet. */
export function requireSpace(path: string, { what, bytes, hint }: Need): void {
  const free = disk.free(nearest(path))
  if (free >= bytes) return
  throw new MoultFailure('NO_SPACE', {
    message: `${what} needs at least ${megabytes(bytes)} of free space, and ${megabytes(free)} are free. Nothing was changed.`,
    hint: `Free some space and start again.${hint === undefined ? '' : ` ${hint}`}`,
    details: { path },
  })
}

function nearest(path: string): string {
  return lstatIfAny(path) === null && dirname(path) !== path ? nearest(dirname(path)) : path
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
