import { entriesOf, hasGaps } from './marker.js'
import type { Arrival, LeftDocument, Marker, MarkerEntry, Touch } from './marker.js'

/** `damaged`: the marker is moult's and of this store, or nothing at all, and nobody else's. */
export type ParsedMarker = { readonly marker: Marker } | { readonly reason: string; readonly damaged: boolean }

/**
 * A marker as a file, for stores that are files. `version` and `floor` stand there for people and for programs
 * without moult; moult counts the steps, and believes neither where the two contradict each other.
 */
export function formatMarker(marker: Marker, version: number, floor: number): string {
  const document = {
    moult: 1,
    store: marker.store,
    version,
    floor,
    steps: marker.entries,
    touches: marker.touches,
    left: marker.left,
  }
  return JSON.stringify(document, null, 1) + '\n'
}

/** Reads a marker file's text. Anything but a whole marker of this store gives a reason: nothing is guessed (G8). */
export function parseMarker(text: string, store: string): ParsedMarker {
  if (text.trim() === '') return { reason: 'it is empty', damaged: true }
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    return { reason: 'it is not valid JSON; it may have been torn or overwritten', damaged: true }
  }
  if (!isObject(document) || !('moult' in document)) return { reason: 'it was not written by moult', damaged: false }
  if (document['moult'] !== 1)
    return {
      reason: `its format is ${JSON.stringify(document['moult'])}, and this version of moult knows only 1`,
      damaged: false,
    }
  if (document['store'] !== store)
    return { reason: `it belongs to a store named ${JSON.stringify(document['store'])}`, damaged: false }
  const { steps, touches, left } = document
  if (!isListOf(steps, isEntry) || !isListOf(touches, isTouch) || !isListOf(left, isLeft))
    return { reason: 'parts of it are missing or have the wrong shape', damaged: true }
  const marker: Marker = { store, entries: steps, touches, left }
  if (hasGaps(marker)) return { reason: 'its list of steps has gaps', damaged: true }
  if (document['version'] !== entriesOf(marker, '').length)
    return { reason: 'its version and its list of steps contradict each other', damaged: true }
  return { marker }
}

const arrivals: readonly Arrival[] = ['step', 'skipped', 'flat', 'adopted', 'stamped']

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isListOf<T>(value: unknown, is: (item: unknown) => item is T): value is T[] {
  return Array.isArray(value) && value.every((item) => is(item))
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === 'string'
}

export function isEntry(value: unknown): value is MarkerEntry {
  return (
    isObject(value) &&
    typeof value['track'] === 'string' &&
    Number.isSafeInteger(value['place']) &&
    typeof value['name'] === 'string' &&
    value['name'] !== '' &&
    isTextOrNull(value['checksum']) &&
    typeof value['additive'] === 'boolean' &&
    isTextOrNull(value['description']) &&
    Number.isSafeInteger(value['appliedAt']) &&
    isTextOrNull(value['appVersion']) &&
    arrivals.includes(value['arrival'] as Arrival) &&
    isTextOrNull(value['commit']) &&
    isListOf(value['wrote'], (item): item is string => typeof item === 'string') &&
    (value['note'] === undefined || typeof value['note'] === 'string')
  )
}

function isTouch(value: unknown): value is Touch {
  return isObject(value) && typeof value['by'] === 'string' && typeof value['commit'] === 'string'
}

function isLeft(value: unknown): value is LeftDocument {
  return (
    isObject(value) &&
    typeof value['file'] === 'string' &&
    typeof value['reason'] === 'string' &&
    (value['at'] === undefined || Number.isSafeInteger(value['at'])) &&
    (value['or'] === undefined ||
      isListOf(value['or'], (version): version is number => Number.isSafeInteger(version))) &&
    (value['seen'] === undefined || typeof value['seen'] === 'string')
  )
}
