import { join } from 'node:path'
import { appendLines } from '../disk/append-lines.js'
import { readFile } from '../disk/read-file.js'
import { MoultFailure, systemCode } from '../model/errors.js'
import type { Listener } from '../model/events.js'
import type { StepReport } from '../model/report.js'
import type { Scene } from './places.js'

/** One line of `.moult/history.jsonl`. */
export interface HistoryEntry extends StepReport {
  /** When, as an ISO date. */
  readonly at: string
  /** The run it belongs to. */
  readonly run: string
  readonly app: string
  readonly appVersion: string | null
  readonly checksum: string | null
  /** What went wrong, if anything did: why this step failed, or why it was undone with the others. */
  readonly error?: string
  /** The error's code. */
  readonly code?: string
}

/** A store that was given its marker, without a step: an empty `step` in the file, not shown as a step. */
export const started = ''

/** A store as a backup brought it: `undone` where the backup had no marker of it. */
export const restored = '(restored)'

function historyPath(scene: Scene): string {
  return join(scene.home, 'history.jsonl')
}

/** Every step ever run here, the oldest first. A torn line, which a crash can leave, is passed over. */
export function readHistory(scene: Scene): readonly HistoryEntry[] {
  return readLines(scene).filter((entry) => entry.step !== started)
}

/** Names of stores that once had a marker. */
export function storesInHistory(scene: Scene): ReadonlySet<string> {
  const stores = new Set<string>()
  for (const { store, step, result } of readLines(scene)) {
    if (!['failed', 'undone'].includes(result)) stores.add(store)
    else if (step === restored) stores.delete(store)
  }
  return stores
}

/** Appends lines to the history. Only under the exclusive lock. */
export function appendHistory(scene: Scene, entries: readonly HistoryEntry[]): void {
  if (entries.length === 0) return
  appendLines(
    historyPath(scene),
    entries.map((entry) => JSON.stringify(entry)),
  )
}

/** As `appendHistory`. It is a log: a failure becomes a warning. */
export function tryToAppend(scene: Scene, onEvent: Listener, entries: readonly HistoryEntry[]): void {
  try {
    appendHistory(scene, entries)
  } catch (cause) {
    onEvent({
      type: 'warning',
      code: 'HISTORY_NOT_WRITTEN',
      message: `The history could not be written: ${String(cause)}`,
    })
  }
}

function readLines(scene: Scene): HistoryEntry[] {
  let text: string
  try {
    text = Buffer.from(readFile(historyPath(scene))).toString('utf8')
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error))) return []
    throw unreadable(scene, error)
  }
  return text.split('\n').flatMap((line) => parseLine(line) ?? [])
}

/** It is only a log, and yet the one thing that tells a lost marker from data that never had one. */
function unreadable(scene: Scene, cause: unknown): unknown {
  const code = systemCode(cause)
  if (!/^E[A-Z0-9]+$/.test(code)) return cause
  const path = historyPath(scene)
  return new MoultFailure(code === 'EACCES' || code === 'EPERM' ? 'NO_PERMISSION' : 'STORE_UNREADABLE', {
    message: `The history ${path} cannot be read (${code}). Nothing was changed.`,
    hint: 'Look at its rights and at what stands there. It is a log: moved away, it costs nothing but that lost markers are not noticed.',
    details: { path },
    cause,
  })
}

function parseLine(line: string): HistoryEntry | null {
  try {
    const entry: unknown = JSON.parse(line)
    if (typeof entry !== 'object' || entry === null) return null
    const { store, step, result } = entry as Partial<HistoryEntry>
    return typeof store === 'string' && typeof step === 'string' && typeof result === 'string'
      ? (entry as HistoryEntry)
      : null
  } catch {
    return null
  }
}
