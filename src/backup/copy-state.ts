import { join } from 'node:path'
import { breathe } from '../disk/breathe.js'
import { disk } from '../disk/disk.js'
import { lstatIfAny } from '../disk/identity.js'
import { openPlainFile } from '../disk/read-file.js'
import { isAbsent } from '../disk/identity.js'
import { joinPath } from '../disk/relative-path.js'
import { walkClaim, walkDerived } from '../disk/walk.js'
import type { WalkEntry } from '../disk/walk.js'
import { writeFully } from '../disk/write-file.js'
import type { Place } from '../model/store.js'
import type { Scene } from '../engine/places.js'
import type { BackupWork } from './backup-work.js'
import { copyAsItLies, holdDatabases, releaseDatabases } from './copy-databases.js'
import type { HeldDatabase } from './copy-databases.js'
import { piecesOf, readIfSmall } from '../disk/hash-file.js'
import { makeWay, openNew } from './store-file.js'

/** Where a database of a copied state is, and how it was before anything was rehearsed on it. */
export interface CopiedDatabase {
  readonly store: string
  /** Absolute; null where there was none. */
  readonly before: string | null
  readonly after: string
}

/**
 * Copies a state as it is at one moment into an empty folder, so that a run can be rehearsed there: content, modes,
 * times, journal modes, and the kinds of what no step may touch. Nothing of it is durable. What is there keeps its bytes
 * and times. Answers with the databases; each is copied twice, to be compared afterwards.
 */
export async function copyState(work: BackupWork, folder: string): Promise<CopiedDatabase[]> {
  const { scene, signal } = work
  const root = join(folder, 'state')
  const isDatabase = ({ spec }: Place): boolean => spec.extent.is === 'database'
  const held = await holdDatabases(scene.places.filter(isDatabase), await work.databases(), {
    driver: work.driver,
    waitMs: work.waiting.waitMs,
    signal,
  })
  try {
    const files = new Map<Place, readonly WalkEntry[]>()
    for (const place of scene.places) if (!isDatabase(place)) files.set(place, await listAll(place, signal))
    for (const each of held) await begin(each, root)
    if (held.every(({ frozen }) => frozen === null || frozen.journalMode === 'wal'))
      for (const { frozen } of held) frozen?.letWritersGo()
    const databases: CopiedDatabase[] = []
    for (const each of held) databases.push(await finish(each, folder, root, signal))
    for (const [place, entries] of files) await copyEntries(place, entries, await leftIn(place), root, signal)
    return databases
  } finally {
    releaseDatabases(held)
  }
}

async function listAll(place: Place, signal: AbortSignal): Promise<readonly WalkEntry[]> {
  const { root, claim } = place
  return [...(await walkClaim(root, claim, signal)), ...(await walkDerived(root, claim, signal))]
}

async function begin({ frozen, path }: HeldDatabase, root: string): Promise<void> {
  if (frozen === null) return
  makeWay(join(root, path))
  await frozen.begin(join(root, path))
}

/** Bytes 18 and 19 of the header: "Database File Format" §1.3.3 */
const loggedFormat = Uint8Array.of(2, 2)

async function finish(held: HeldDatabase, folder: string, root: string, signal: AbortSignal): Promise<CopiedDatabase> {
  const { place, path, frozen } = held
  const from = join(place.root, path)
  const after = join(root, path)
  const before = join(folder, 'before', place.spec.name)
  const { extent, name: store } = { ...place.spec }
  const stats = lstatIfAny(from)
  if (stats === null) return { store, before: null, after }
  if (frozen === null) {
    for (const suffix of ['', ...(extent.is === 'database' ? extent.sidecars : [])])
      if (suffix !== '-shm') copyAsItLies(from + suffix, after + suffix)
    return { store, before: null, after }
  }
  await frozen.finish()
  makeWay(before)
  await copyFile(after, before, signal)
  if (frozen.journalMode === 'wal') {
    const fd = disk.open(after, 'r+')
    try {
      disk.write(fd, loggedFormat, 0, loggedFormat.length, 18)
    } finally {
      disk.close(fd)
    }
  }
  disk.chmod(after, Number(stats.mode) & 0o7777)
  return { store, before, after }
}

/** Names of documents that were left: whether they changed since is told by their files' times, to the nanosecond. */
async function leftIn(place: Place): Promise<readonly string[]> {
  const found = await place.spec.code.examine(place)
  return found.is === 'marked' ? (found.marker.left ?? []).map(({ file }) => file) : []
}

async function copyEntries(
  place: Place,
  entries: readonly WalkEntry[],
  left: readonly string[],
  root: string,
  signal: AbortSignal,
): Promise<void> {
  const { claim } = place
  const marker = joinPath(claim.base, claim.marker)
  const base = join(root, claim.base)
  if (lstatIfAny(join(place.root, claim.base))?.isDirectory() === true) makeWay(join(base, 'x'))
  if (claim.marker !== '') await copyFile(join(place.root, marker), join(root, marker), signal)
  for (const { path, kind, mode, mtimeNs, links } of entries) {
    await breathe(signal)
    const from = join(place.root, claim.base, path)
    const to = join(base, path)
    if (kind !== 'file') {
      makeWay(to)
      // No step may touch what is no plain file, wherever it leads
      disk.symlink('not copied', to)
      continue
    }
    if (!(await copyFile(from, to, signal))) continue
    disk.chmod(to, mode)
    if (left.some((name) => name.startsWith(path))) disk.setTimes(to, mtimeNs, mtimeNs)
    else disk.utimes(to, Number(mtimeNs) / 1e6, Number(mtimeNs) / 1e6)
    if (links > 1) disk.link(to, `${to}.${place.spec.name}.moult-dry-run`)
  }
}

/** Whether it was there. */
async function copyFile(from: string, to: string, signal: AbortSignal): Promise<boolean> {
  let source: number
  try {
    source = openPlainFile(from)
  } catch (error) {
    if (isAbsent(error)) return false
    throw error
  }
  try {
    const target = openNew(to)
    try {
      const small = readIfSmall(source)
      if (small !== null) writeFully(target, small)
      else for await (const piece of piecesOf(source, signal)) writeFully(target, piece)
    } finally {
      disk.close(target)
    }
  } finally {
    disk.close(source)
  }
  return true
}

/** The scene of the copy; what the history knows of stores that are gone goes with it. */
export async function copyHistory(scene: Scene, folder: string, signal: AbortSignal): Promise<void> {
  const home = join(folder, 'state', '.moult')
  await copyFile(join(scene.home, 'history.jsonl'), join(home, 'history.jsonl'), signal)
}
