import { createHash } from 'node:crypto'
import { dirname, join } from 'node:path'
import { createGzip } from 'node:zlib'
import { breathe } from '../disk/breathe.js'
import { disk } from '../disk/disk.js'
import { openPlainFile } from '../disk/read-file.js'
import { systemCode } from '../model/errors.js'
import { storedPath } from '../model/manifest.js'
import type { BackedUpFile, BackedUpStore } from '../model/manifest.js'
import { writeFully } from '../disk/write-file.js'
import { hashFile, piecesOf, readIfSmall } from '../disk/hash-file.js'
import { findRot } from './read-stored.js'

/** Where a new backup is being written, and the one before it, whose files may serve again. */
export interface Shelf {
  /** Absolute. */
  readonly folder: string
  readonly stored: BackedUpFile['stored']
  readonly previous: PreviousBackup | null
  /** Absolute paths of what was written, to be made durable. */
  readonly written: string[]
  /** Of those, what was durable and has been read again already, and what it was found to hold. */
  readonly readBack: Map<string, { readonly sha256: string; readonly bytes: number }>
  readonly signal: AbortSignal
}

export interface PreviousBackup {
  /** Absolute. */
  readonly folder: string
  /** `store/path` → file. */
  readonly files: ReadonlyMap<string, BackedUpFile>
}

export function indexFiles(folder: string, stores: readonly BackedUpStore[]): PreviousBackup {
  const files = stores.flatMap((store) => store.files.map((file) => [`${store.name}/${file.path}`, file] as const))
  return { folder, files: new Map(files) }
}

type FileFacts = Pick<BackedUpFile, 'path' | 'mode' | 'mtimeNs'> & { readonly size: number }

/**
 * Puts the content of a plain file into a backup. A file whose content the previous backup has, found by its digest and
 * looked at once more, is a hard link to that one, never to live data (protocol 12).
 */
export async function storeFile(shelf: Shelf, store: string, facts: FileFacts, from: string): Promise<BackedUpFile> {
  const known = shelf.previous?.files.get(`${store}/${facts.path}`)
  const { path, mode, mtimeNs } = facts
  if (known !== undefined && known.stored === shelf.stored && known.bytes === facts.size) {
    const found = await hashFile(from, shelf.signal)
    const file = { path, ...found, mode, mtimeNs, stored: shelf.stored }
    if (found.sha256 === known.sha256 && (await linkKnown(shelf, store, file))) return file
  }
  const to = join(shelf.folder, storedPath(store, { path, stored: shelf.stored }))
  const copied =
    shelf.stored === 'gzip' ? await packFile(from, to, shelf.signal) : await copyFile(from, to, shelf.signal)
  shelf.written.push(to)
  return { path, ...copied, mode, mtimeNs, stored: shelf.stored }
}

/** Takes a file out of the backup again. */
export function removeFile(shelf: Shelf, store: string, file: BackedUpFile): void {
  const path = join(shelf.folder, storedPath(store, file))
  disk.unlink(path)
  const at = shelf.written.indexOf(path)
  if (at !== -1) shelf.written.splice(at, 1)
}

/** Whether the previous backup's file could be linked: its bytes are read again, since a link would pass on their rot. */
export async function linkKnown(shelf: Shelf, store: string, file: BackedUpFile): Promise<boolean> {
  if (shelf.previous === null) return false
  const known = join(shelf.previous.folder, storedPath(store, file))
  const to = join(shelf.folder, storedPath(store, file))
  if ((await findRot(known, file, shelf.signal)) !== null) return false
  try {
    withWay(to, () => disk.link(known, to))
    return true
  } catch (error) {
    if (!/^E[A-Z0-9]+$/.test(systemCode(error))) throw error
    return false
  }
}

async function copyFile(from: string, to: string, signal: AbortSignal): Promise<{ sha256: string; bytes: number }> {
  const hash = createHash('sha256')
  let bytes = 0
  const source = openPlainFile(from)
  try {
    const target = openNew(to)
    const copy = (piece: Buffer): void => {
      hash.update(piece)
      writeFully(target, piece)
      bytes += piece.length
    }
    try {
      await breathe(signal)
      const small = readIfSmall(source)
      if (small !== null) copy(small)
      else for await (const piece of piecesOf(source, signal)) copy(piece)
    } finally {
      disk.close(target)
    }
  } finally {
    disk.close(source)
  }
  return { sha256: hash.digest('hex'), bytes }
}

/** As `copyFile`, packed. `from` may be the plain copy of a database. */
export async function packFile(
  from: string,
  to: string,
  signal: AbortSignal,
): Promise<{ sha256: string; bytes: number }> {
  const hash = createHash('sha256')
  let bytes = 0
  const source = openPlainFile(from)
  try {
    const target = openNew(to)
    try {
      const zip = createGzip({ level: 6 })
      const feeding = (async () => {
        for await (const piece of piecesOf(source, signal)) {
          hash.update(piece)
          bytes += piece.length
          if (!zip.write(Buffer.from(piece))) await new Promise((resolve) => zip.once('drain', resolve))
        }
        zip.end()
      })().catch((error: unknown) => void zip.destroy(error as Error))
      for await (const piece of zip) writeFully(target, piece as Buffer)
      await feeding
    } finally {
      disk.close(target)
    }
  } finally {
    disk.close(source)
  }
  return { sha256: hash.digest('hex'), bytes }
}

/** A new file, in folders that need not be there yet. */
export function openNew(path: string): number {
  return withWay(path, () => disk.open(path, 'wx', 0o600))
}

/** Most folders are there already, and an error for each file would take longer than the file. */
function withWay<T>(path: string, make: () => T): T {
  try {
    return make()
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
    makeWay(path)
    return make()
  }
}

/** Durability is the caller's: all folders of a backup are synced at its end. */
export function makeWay(path: string): void {
  const folder = dirname(path)
  try {
    disk.mkdir(folder, 0o700)
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return
    if (systemCode(error) !== 'ENOENT') throw error
    makeWay(folder)
    disk.mkdir(folder, 0o700)
  }
}
