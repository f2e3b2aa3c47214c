import { join, relative, sep } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { disk } from '../disk/disk.js'
import { isAbsent, lstatIfAny } from '../disk/identity.js'
import { pin } from '../disk/pin.js'
import type { CheckedCopy, DatabaseCode, DatabaseRequest, FrozenDatabase } from '../model/database-code.js'
import { isMoultError, systemCode } from '../model/errors.js'
import { storedPath } from '../model/manifest.js'
import type { BackedUpDatabase, BackedUpFile } from '../model/manifest.js'
import type { Place } from '../model/store.js'
import { writeFully } from '../disk/write-file.js'
import { createHash } from 'node:crypto'
import { linkKnown, makeWay, packFile } from './store-file.js'
import type { Shelf } from './store-file.js'

/** A database at the moment of a backup. */
export interface HeldDatabase {
  readonly place: Place
  /** Relative to the root, symlinks followed; where it is, or would be. */
  readonly path: string
  /** Null where there is none, or one that SQLite cannot open. */
  readonly frozen: FrozenDatabase | null
  /** Why SQLite cannot open it; null: it can, or there is none. */
  readonly damage: string | null
}

const pauseMs = 25

/**
 * Makes the writers of all databases stand still: together they are one moment. Whoever waits for one lets go of the
 * others, since a program that writes to several may take them in another order.
 */
export async function holdDatabases(
  places: readonly Place[],
  code: DatabaseCode,
  waiting: Omit<DatabaseRequest, 'store' | 'path'>,
): Promise<HeldDatabase[]> {
  const started = performance.now()
  for (;;) {
    try {
      return await tryAll(places, code, { ...waiting, waitMs: 0 })
    } catch (error) {
      if (!isMoultError(error, 'IN_USE') || performance.now() - started >= waiting.waitMs) throw error
    }
    await sleep(pauseMs, undefined, { signal: waiting.signal })
  }
}

async function tryAll(
  places: readonly Place[],
  code: DatabaseCode,
  waiting: Omit<DatabaseRequest, 'store' | 'path'>,
): Promise<HeldDatabase[]> {
  const held: HeldDatabase[] = []
  try {
    for (const place of places) held.push(await holdDatabase(place, code, waiting))
    return held
  } catch (error) {
    releaseDatabases(held)
    throw error
  }
}

export function releaseDatabases(held: readonly HeldDatabase[]): void {
  for (const { frozen } of held) frozen?.release()
}

async function holdDatabase(
  place: Place,
  code: DatabaseCode,
  waiting: Omit<DatabaseRequest, 'store' | 'path'>,
): Promise<HeldDatabase> {
  const real = realPathOf(place.path)
  const path = relative(place.root, real).split(sep).join('/')
  const stats = lstatIfAny(real)
  // An empty file is a database in which nothing was made yet
  if (stats === null || stats.size === 0n) return { place, path, frozen: null, damage: null }
  try {
    return { place, path, frozen: await code.freeze({ ...waiting, store: place.spec.name, path: real }), damage: null }
  } catch (error) {
    if (isMoultError(error) || !/^SQLITE_(NOTADB|CORRUPT|CANTOPEN|IOERR)/.test(systemCode(error))) throw error
    return { place, path, frozen: null, damage: `SQLite cannot open it (${systemCode(error)})` }
  }
}

function realPathOf(path: string): string {
  try {
    return disk.realpath(path)
  } catch (error) {
    if (isAbsent(error)) return path
    throw error
  }
}

/** While writers stand still. Returns why a database cannot be copied page by page: then it is copied as it lies there. */
export async function beginDatabase(shelf: Shelf, held: HeldDatabase): Promise<HeldDatabase> {
  if (held.frozen === null) return held
  const to = plainPath(shelf, held)
  makeWay(to)
  try {
    await held.frozen.begin(to)
    return held
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'Unreadable') throw error
    held.frozen.release()
    if (lstatIfAny(to) !== null) disk.unlink(to)
    return { ...held, frozen: null, damage: error.message }
  }
}

/** Copies a database that is held, checks the copy, and says what the backup has of it. */
export async function finishDatabase(
  shelf: Shelf,
  held: HeldDatabase,
  check: (path: string) => Promise<CheckedCopy>,
): Promise<{ readonly files: BackedUpFile[]; readonly database: BackedUpDatabase }> {
  const { extent } = held.place.spec
  const sidecars = extent.is === 'database' ? extent.sidecars : []
  const shape = { journalMode: held.frozen?.journalMode ?? 'delete', sidecars }
  if (held.frozen === null) {
    const files: BackedUpFile[] = []
    for (const suffix of ['', ...sidecars]) {
      // The index of a log is made anew from the log
      if (suffix === '-shm') continue
      const file = await copyRaw(shelf, held, suffix)
      if (file !== null) files.push(file)
    }
    return { files, database: { ...shape, damage: held.damage, isRaw: true } }
  }
  const live = disk.stat(join(held.place.root, held.path))
  const plain = plainPath(shelf, held)
  const { sha256, bytes } = await held.frozen.finish()
  const { damage, readBack } = await check(plain)
  const file: BackedUpFile = {
    path: held.path,
    sha256,
    bytes,
    mode: Number(live.mode) & 0o7777,
    mtimeNs: String(live.mtimeNs),
    stored: shelf.stored,
  }
  const known = shelf.previous?.files.get(`${held.place.spec.name}/${held.path}`)
  if (known?.sha256 === sha256 && known.stored === shelf.stored) {
    disk.rename(plain, `${plain}.moult-tmp`)
    if (await linkKnown(shelf, held.place.spec.name, file)) {
      disk.unlink(`${plain}.moult-tmp`)
      return { files: [file], database: { ...shape, damage, isRaw: false } }
    }
    disk.rename(`${plain}.moult-tmp`, plain)
  }
  if (shelf.stored === 'gzip') {
    const packed = join(shelf.folder, storedPath(held.place.spec.name, file))
    await packFile(plain, packed, shelf.signal)
    disk.unlink(plain)
    shelf.written.push(packed)
  } else {
    shelf.written.push(plain)
    if (readBack !== null) shelf.readBack.set(plain, readBack)
  }
  return { files: [file], database: { ...shape, damage, isRaw: false } }
}

function plainPath(shelf: Shelf, { place, path }: HeldDatabase): string {
  return join(shelf.folder, storedPath(place.spec.name, { path, stored: 'plain' }))
}

/** As it lies there, unlocked: for what is no database to SQLite, so that nothing is lost. */
async function copyRaw(shelf: Shelf, { place, path }: HeldDatabase, suffix: string): Promise<BackedUpFile | null> {
  const from = join(place.root, path) + suffix
  const stats = lstatIfAny(from)
  if (stats === null || !stats.isFile()) return null
  const to = join(shelf.folder, storedPath(place.spec.name, { path: path + suffix, stored: 'plain' }))
  const copied = copyAsItLies(from, to)
  if (copied === null) return null
  shelf.written.push(to)
  const mode = Number(stats.mode) & 0o7777
  return { path: path + suffix, ...copied, mode, mtimeNs: String(stats.mtimeNs), stored: 'plain' }
}

/** Copies a file that may be a live database, through the one descriptor that is never closed (protocol 1). */
export function copyAsItLies(from: string, to: string): { readonly sha256: string; readonly bytes: number } | null {
  const opened = pin(from)
  if (opened === null) return null
  makeWay(to)
  const target = disk.open(to, 'wx', 0o600)
  const hash = createHash('sha256')
  const buffer = Buffer.allocUnsafe(1 << 20)
  let bytes = 0
  try {
    for (;;) {
      const count = disk.read(opened.fd, buffer, 0, buffer.length, bytes)
      if (count === 0) return { sha256: hash.digest('hex'), bytes }
      hash.update(buffer.subarray(0, count))
      writeFully(target, buffer.subarray(0, count))
      bytes += count
    }
  } finally {
    disk.close(target)
  }
}
