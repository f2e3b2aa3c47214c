import { createHash } from 'node:crypto'
import { breathe } from '../../disk/breathe.js'
import { disk } from '../../disk/disk.js'
import type { Overlay } from '../../disk/overlay.js'
import { openPlainFile, readOpenFile } from '../../disk/read-file.js'
import type { LeftDocument } from '../../model/marker.js'
import { readLines } from '../files/read-lines.js'
import { parseDocumentName } from './document-name.js'
import { readDocuments } from './documents.js'
import type { Each } from './documents.js'
import { leftByFile, stampOf } from './left-documents.js'

/**
 * Says of each document what it looks like as it is left: its file's stamp, as the commit will put it in place. For one
 * of many in a file also where it stands and a digest of it, so that a log in which one line is bad can grow without
 * being tried again at every start.
 */
export async function stampLeft(
  overlay: Overlay,
  each: Each,
  left: readonly LeftDocument[],
  signal: AbortSignal,
): Promise<LeftDocument[]> {
  const stamped: LeftDocument[] = []
  for (const [file, documents] of leftByFile(left, each)) {
    await breathe(signal)
    const stats = overlay.stats(file)
    const names = new Set(
      documents.flatMap((document) => (parseDocumentName(document.file, each).index === null ? [] : [document.file])),
    )
    const places = names.size === 0 ? null : await findPlaces(overlay, file, each, names, signal)
    for (const { seen: _, ...document } of documents) {
      const place = places?.get(document.file)
      const stamp = stats === null ? null : stampOf(stats)
      if (stamp === null) stamped.push(document)
      else stamped.push({ ...document, seen: place === undefined ? stamp : `${stamp} ${place}` })
    }
  }
  return stamped
}

/** Whether documents are as they were left in a file that was written since. Answers no for whole files. */
export function areAsLeft(path: string, file: string, each: Each, documents: readonly LeftDocument[]): boolean {
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

/** `offset+length:digest` of lines, in bytes without their ends; the digest alone of elements. */
async function findPlaces(
  overlay: Overlay,
  file: string,
  each: Each,
  names: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const places = new Map<string, string>()
  if (each === 'element') {
    for (const document of readDocuments(file, overlay.readChunks(file), each))
      if (names.has(document.name)) places.set(document.name, digestElement(document))
    return places
  }
  let offset = 0
  for (const { number, bytes, end } of readLines(overlay.readChunks(file))) {
    await breathe(signal)
    const name = `${file}:${number}`
    if (names.has(name)) places.set(name, `${offset}+${bytes.length}:${digest(bytes)}`)
    if (places.size === names.size) break
    offset += bytes.length + end.length
  }
  return places
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
  return (before === 0 || read[0] === feed) && line.length === Number(length) && isEnded && digest(line) === expected
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
  return digest(Buffer.from('text' in document ? document.text : document.reason))
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 32)
}
