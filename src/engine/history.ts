import { join } from 'node:path'
import { appendLines } from '../disk/append-lines.js'
import { readFile } from '../disk/read-file.js'
import { systemCode } from '../model/errors.js'
import type { StepReport } from '../model/report.js'
import { unreachable } from './places.js'
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
  /** What went wrong, if anything did. */
  readonly error?: string
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
    if (result === 'done' || result === 'skipped') stores.add(store)
    else if (step === restored) stores.delete(store)
  }
  return stores
}

/** Appends lines to the history. Only under the exclusive lock. It is a log: a failure is the caller's to warn of. */
export function appendHistory(scene: Scene, entries: readonly HistoryEntry[]): void {
  if (entries.length === 0) return
  appendLines(
    historyPath(scene),
    entries.map((entry) => JSON.stringify(entry)),
  )
}

function readLines(scene: Scene): HistoryEntry[] {
  let text: string
  try {
    text = Buffer.from(readFile(historyPath(scene))).toString('utf8')
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error))) return []
    throw unreachable(historyPath(scene), error)
  }
  return text.split('\n').flatMap((line) => parseLine(line) ?? [])
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
