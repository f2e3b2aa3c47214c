import { join } from 'node:path'
import { disk } from '../disk/disk.js'
import { makeDirectory } from '../disk/make-directory.js'
import { readText } from '../disk/read-file.js'
import { isPlainPath, isReservedName, isStagingPath } from '../disk/relative-path.js'
import { removeRunFolder } from '../disk/run-folder.js'
import { replaceFile } from '../disk/write-file.js'
import { MoultFailure, systemCode } from '../model/errors.js'
import type { Scene } from './places.js'
import type { RunLock } from './run-lock.js'

/** What a run writes down before anything else: enough for any program that knows the format to clean up after it. */
export interface RunHeader {
  readonly moult: 1
  readonly run: string
  readonly app: string
  readonly appVersion: string | null
  readonly startedAt: string
  /** Databases this run may write, relative to the root. */
  readonly databases: readonly string[]
  /** Places besides `.moult/run` where it may keep staged content, relative to the root. */
  readonly staging: readonly string[]
  /** Databases that a restore took out of WAL mode, relative to the root: if it did not replace them, they go back. */
  readonly logged?: readonly string[]
  /** Of a restore: what it brings, and the version of each store there; null: without a marker. */
  readonly restores?: { readonly backup: string; readonly stores: readonly RestoredStore[] }
  /** What it meant to do, for the history: recovery asks for none of it. */
  readonly steps?: readonly IntendedStep[]
}

/** A step as the history names it, and the way it was to go. */
export interface IntendedStep {
  readonly store: string
  readonly track: string
  readonly step: string
  readonly direction: 'up' | 'down'
}

export interface RestoredStore {
  readonly name: string
  readonly version: number | null
}

function headerPath(scene: Scene): string {
  return join(scene.runFolder, 'run.json')
}

/** From here on the state is unfinished, until the run folder is gone. */
export function openJournal(scene: Scene, header: RunHeader): void {
  makeDirectory(scene.runFolder, { mode: 0o700 })
  replaceFile(headerPath(scene), JSON.stringify(header) + '\n', { mode: 0o600 })
}

/**
 * Ends this run: the run folder goes, unless the lock was lost, and so the folder may be another run's (LOCK_LOST). A
 * header that another run has written is looked for as well: on file systems that forget locks nothing else tells.
 */
export async function closeJournal(scene: Scene, lock: Pick<RunLock, 'runId' | 'fence'>): Promise<void> {
  const check = (): void => {
    lock.fence()
    const header = readJournal(scene)
    if (header !== null && header.run !== lock.runId) throw takenOver(scene)
  }
  check()
  await removeRunFolder(scene.root, readJournal(scene)?.staging ?? [], check)
}

function takenOver(scene: Scene): MoultFailure<'LOCK_LOST'> {
  return new MoultFailure('LOCK_LOST', {
    message: `the lock on ${scene.root} was lost: another run has taken over`,
    hint: 'See that file locks work where the state is kept, and that no program deletes the lock directory, and start again.',
    details: { path: scene.runFolder },
  })
}

/** The header that an unfinished run left; null when it was cut off before it had written one. */
export function readJournal(scene: Scene): RunHeader | null {
  let text: string
  try {
    text = readText(headerPath(scene))
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null
    throw error
  }
  const header = parseHeader(text)
  if (!header) throw unreadable(scene)
  if (header.moult !== 1) throw unknownFormat(scene, header.moult)
  return header
}

function parseHeader(text: string): RunHeader | null {
  try {
    const header = JSON.parse(text) as Partial<RunHeader> | null
    if (header === null || typeof header !== 'object' || !('moult' in header)) return null
    if (header.moult !== 1) return header as RunHeader
    return typeof header.run === 'string' &&
      isListOf(header.databases, isStorePath) &&
      isListOf(header.staging, isStagingPath) &&
      (header.logged === undefined || isListOf(header.logged, isStorePath)) &&
      (header.restores === undefined || isRestored(header.restores)) &&
      (header.steps === undefined || isListOf(header.steps, isIntendedStep))
      ? (header as RunHeader)
      : null
  } catch {
    return null
  }
}

function isRestored({ backup, stores }: { backup?: unknown; stores?: unknown }): boolean {
  return typeof backup === 'string' && isListOf(stores, isRestoredStore)
}

function isRestoredStore(value: unknown): boolean {
  const { name, version } = (value ?? {}) as Partial<RestoredStore>
  return typeof name === 'string' && (version === null || Number.isSafeInteger(version))
}

function isListOf(value: unknown, is: (each: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(is)
}

function isIntendedStep(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { store, track, step, direction } = value as Partial<IntendedStep>
  return [store, track, step].every((name) => typeof name === 'string') && (direction === 'up' || direction === 'down')
}

/** The header may come from anybody: what it names is opened and written, so it stays in the root and off moult's own. */
function isStorePath(path: unknown): boolean {
  return typeof path === 'string' && isPlainPath(path) && !path.split('/').some(isReservedName)
}

function unreadable(scene: Scene): MoultFailure<'DAMAGED'> {
  return new MoultFailure('DAMAGED', {
    message: `An unfinished run was found in ${scene.runFolder}, and its header cannot be read. Nothing was changed.`,
    hint: `Keep a copy of ${scene.runFolder}. If it has no commit-*.jsonl, the run had not changed anything and the folder can be removed.`,
    details: { path: scene.runFolder },
  })
}

function unknownFormat(scene: Scene, format: unknown): MoultFailure<'FORMAT_UNKNOWN'> {
  return new MoultFailure('FORMAT_UNKNOWN', {
    message: `An unfinished run in ${scene.runFolder} has the format ${JSON.stringify(format)}, and this version of moult knows only 1. Nothing was changed.`,
    hint: 'Start the newer program once; it will finish the run.',
    details: { path: scene.runFolder },
  })
}

/** Free space to give back when the disk is full after the decision (protocol 14). */
export function writeBallast(scene: Scene): void {
  const fd = disk.open(join(scene.runFolder, 'ballast'), 'w', 0o600)
  try {
    disk.write(fd, new Uint8Array(1024 * 1024), 0, 1024 * 1024, 0)
    disk.fsync(fd)
  } finally {
    disk.close(fd)
  }
}
