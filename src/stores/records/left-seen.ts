import { createHash } from 'node:crypto'
import { breathe } from '../../disk/breathe.js'
import { disk } from '../../disk/disk.js'
import type { Overlay } from '../../disk/overlay.js'
import { openPlainFile, readOpenFile } from '../../disk/read-file.js'
import type { LeftDocument } from '../../model/marker.js'
import { readLines } from '../files/read-lines.js'
import { readDocuments } from './documents.js'
import type { Each } from './documents.js'
import { leftByFile, stampOf } from './left-documents.js'

/**
 * Says of each document what it looks like as it is left: its file's stamp, as the commit will put it in place. For one
 * of many in a file also where it stands and a digest of it, so that a log in which one line is bad can grow without
 * being tried again at every start; `digests`: of a file left as a whole too. An entry that was carried over keeps the
 * digest that it had.
 */
export async function stampLeft(
  overlay: Overlay,
  each: Each,
  left: readonly LeftDocument[],
  { digests, signal }: { readonly digests: boolean; readonly signal: AbortSignal },
): Promise<LeftDocument[]> {
  const stamped: LeftDocument[] = []
  const files = new Set(digests && left.length > 0 ? await overlay.list(undefined, signal) : [])
  for (const [file, documents] of leftByFile(left, each)) {
    await breathe(signal)
    const stats = overlay.stats(file)
    const names = new Set(documents.flatMap((document) => (document.file === file ? [] : [document.file])))
    const places = names.size === 0 ? null : await findPlaces(overlay, file, each, names, signal)
    for (const { seen, ...document } of documents) {
      const isWhole = document.file === file
      const found = isWhole && files.has(file) ? await digestFile(overlay.readChunks(file), signal) : undefined
      const place = carried(seen, places?.get(document.file) ?? found)
      const stamp = stats === null ? null : stampOf(stats)
      if (stamp === null) stamped.push(document)
      else stamped.push({ ...document, seen: place === undefined ? stamp : `${stamp} ${place}` })
    }
  }
  return stamped
}

function carried(seen: string | undefined, place: string | undefined): string | undefined {
  const before = seen?.split(' ')[1]
  return before === undefined || (place !== undefined && digestIn(place) === digestIn(before)) ? place : before
}

/** The digest of what was left, or null if none was taken. */
export function digestOf({ seen }: LeftDocument): string | null {
  const place = seen?.split(' ')[1]
  return place === undefined ? null : digestIn(place)
}

function digestIn(place: string): string {
  return place.slice(place.indexOf(':') + 1)
}

/** Whether documents are as they were left in a file that was written since. Answers no for whole files. */
export function areAsLeft(path: string, file: string, each: Each, documents: readonly LeftDocument[]): boolean {
  if (documents.some((document) => document.file === file)) return false
  const places = new Map(documents.map((document) => [document.file, document.seen?.split(' ')[1]]))
  if ([...places.values()].includes(undefined)) return false
  const fd = openPlainFile(path)
  try {
    if (each === 'line') return [...places.values()].every((place) => isLineAt(fd, place ?? ''))
    for (const document of readDocuments(file, [readOpenFile(fd)], each)) {
      const place = places.get(document.name)
      if (place !== undefined && digestElement(document) !== place) return false
      places.delete(document.name)
    }
    return places.size === 0
  } finally {
    disk.close(fd)
  }
}

async function findPlaces(
  overlay: Overlay,
  file: string,
  each: Each,
  names: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const places = new Map<string, string>()
  // What left it may be what keeps it from being read
  if (overlay.stats(file)?.isFile() !== true) return places
  for await (const { name, offset, length, digest } of readPlaces(file, overlay.readChunks(file), each, signal)) {
    if (names.has(name)) places.set(name, each === 'line' ? `${offset}+${length}:${digest()}` : digest())
    if (places.size === names.size) break
  }
  return places
}

/** One of many documents in a file: where it stands, in bytes without its line end; 0 for elements. */
interface DocumentPlace {
  readonly name: string
  readonly offset: number
  readonly length: number
  readonly digest: () => string
}

/** Blank lines too. */
export async function* readPlaces(
  file: string,
  chunks: Iterable<Buffer>,
  each: Each,
  signal: AbortSignal | undefined,
): AsyncGenerator<DocumentPlace, void, undefined> {
  if (each !== 'line') {
    for (const document of readDocuments(file, chunks, each)) {
      await breathe(signal)
      yield { name: document.name, offset: 0, length: 0, digest: () => digestElement(document) }
    }
    return
  }
  let offset = 0
  for (const { number, bytes, end } of readLines(chunks)) {
    await breathe(signal)
    yield { name: `${file}:${number}`, offset, length: bytes.length, digest: () => hash(bytes) }
    offset += bytes.length + end.length
  }
}

/** The digest of a whole file. */
export async function digestFile(chunks: Iterable<Buffer>, signal: AbortSignal | undefined): Promise<string> {
  const sum = createHash('sha256')
  for (const chunk of chunks) {
    await breathe(signal)
    sum.update(chunk)
  }
  return short(sum.digest('hex'))
}

/** Reads the line alone, however long the file; a line that was torn may have been ended since, but not gone on. */
function isLineAt(fd: number, place: string): boolean {
  const [, offset, length, expected] = /^(\d{1,15})\+(\d{1,8}):(.*)$/.exec(place) ?? []
  if (offset === undefined || length === undefined) return false
  const before = Number(offset) === 0 ? 0 : 1
  const buffer = Buffer.alloc(before + Number(length) + 2)
  const read = buffer.subarray(0, readUpTo(fd, buffer, Number(offset) - before))
  const line = read.subarray(before, before + Number(length))
  const [next, afterNext] = read.subarray(before + Number(length))
  const isEnded = next === undefined || next === feed || (next === carriageReturn && afterNext === feed)
  return (before === 0 || read[0] === feed) && line.length === Number(length) && isEnded && hash(line) === expected
}

const feed = 0x0a
const carriageReturn = 0x0d

function readUpTo(fd: number, buffer: Buffer, position: number): number {
  let length = 0
  for (;;) {
    const count = disk.read(fd, buffer, length, buffer.length - length, position + length)
    length += count
    if (count === 0 || length === buffer.length) return length
  }
}

function digestElement(document: { readonly text: string } | { readonly reason: string }): string {
  return hash(Buffer.from('text' in document ? document.text : document.reason))
}

function hash(bytes: Uint8Array): string {
  return short(createHash('sha256').update(bytes).digest('hex'))
}

function short(hex: string): string {
  return hex.slice(0, 32)
}
