import { dirname, join, sep } from 'node:path'
import { claimMatcher } from '../disk/claim-matcher.js'
import { disk } from '../disk/disk.js'
import { walkClaim } from '../disk/walk.js'
import { joinPath } from '../model/claims.js'
import { systemCode } from '../model/errors.js'
import type { Place } from '../model/store.js'
import type { Refusal } from '../model/verdict.js'
import { exists } from './places.js'
import type { Scene } from './places.js'

/**
 * Files that a run must not change, because they are not of one store of one state alone (protocol 17). What lies
 * deeper in a store than its own directory is found by whoever walks it.
 */
export async function refuseForeignFiles(scene: Scene): Promise<readonly Refusal[]> {
  return [
    ...scene.places.flatMap((place) => otherState(scene, place)),
    ...scene.places.flatMap((place) => refuseLinkedFile(scene, place)),
    ...(await refuseSharedFiles(scene)),
  ]
}

/** A store in another state's root: that one's lock is another one, so each step could run twice. */
function otherState(scene: Scene, { spec, path }: Place): readonly Refusal[] {
  const first = spec.extent.is === 'directory' ? path : dirname(path)
  for (let at = first; at !== scene.root && at.startsWith(scene.root); at = dirname(at)) {
    if (exists(join(at, '.moult'))) {
      return [
        {
          store: spec.name,
          code: 'CLAIMED_TWICE',
          message: `The store '${spec.name}' lies in ${at}, which is the root of another state (it has a .moult). Nothing was changed.`,
          hint: 'Let one state alone have this store.',
          details: { store: spec.name, path: at },
        },
      ]
    }
  }
  return []
}

const linkedHint =
  'It is reached through a symlink: keep it outside of the other store, or list it and what lies beside it (`-wal`, `-shm`, `-journal`) in the `ignore` of that one.'

/** A file that is reached through a symlink and lies where a directory store takes it, or what lies beside it, for its own. */
function refuseLinkedFile({ root, places }: Scene, { spec, path }: Place): readonly Refusal[] {
  if (spec.extent.is === 'directory') return []
  const real = realPathOf(path)
  if (real === null || real === path) return []
  const suffixes = spec.extent.is === 'database' ? ['', ...spec.extent.sidecars] : ['']
  const refusals: Refusal[] = []
  for (const { spec: other, claim } of places) {
    const base = join(root, claim.base, sep)
    if (other.extent.is !== 'directory' || !real.startsWith(base)) continue
    const inside = real.slice(base.length).split(sep).join('/')
    const owns = (name: string): boolean =>
      ['file', 'derived', 'marker'].includes(claimMatcher(claim).belongingOf(name))
    const taken = suffixes.map((suffix) => inside + suffix).find(owns)
    if (taken === undefined) continue
    const refusal = claimedTwice(other.name, spec.name, joinPath(claim.base, taken))
    refusals.push({ ...refusal, hint: linkedHint })
  }
  return refusals
}

function realPathOf(path: string): string | null {
  try {
    return disk.realpath(path)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error))) return null
    throw error
  }
}

/**
 * Patterns of two stores in one directory can match the same file, which no definition shows. Such a file would be
 * changed by both: it is refused before a run.
 */
async function refuseSharedFiles(scene: Scene): Promise<readonly Refusal[]> {
  const refusals: Refusal[] = []
  for (const places of sharedDirectories(scene.places)) {
    const owners = new Map<string, string>()
    for (const { spec, claim, root } of places) {
      for (const { path, kind } of await walkClaim(root, claim)) {
        // Nothing changes it; if it is a directory, nobody knows whose files are in it
        if (kind === 'undecodable') continue
        const other = owners.get(path)
        if (other !== undefined) refusals.push(claimedTwice(other, spec.name, joinPath(claim.base, path)))
        owners.set(path, spec.name)
      }
    }
  }
  return refusals
}

function sharedDirectories(places: readonly Place[]): readonly Place[][] {
  const byBase = new Map<string, Place[]>()
  for (const place of places) {
    if (place.spec.extent.is !== 'directory') continue
    const list = byBase.get(place.claim.base) ?? []
    byBase.set(place.claim.base, [...list, place])
  }
  return [...byBase.values()].filter((list) => list.length > 1)
}

function claimedTwice(one: string, other: string, path: string): Refusal {
  return {
    store: other,
    code: 'CLAIMED_TWICE',
    message: `The stores '${one}' and '${other}' both claim ${path}. Nothing was changed.`,
    hint: 'Give one of them narrower `files`, or list the file in its `ignore`.',
    details: { store: other, path },
  }
}
