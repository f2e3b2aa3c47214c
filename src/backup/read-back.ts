import { join } from 'node:path'
import { disk } from '../disk/disk.js'
import { syncDirectory } from '../disk/sync-directory.js'
import { MoultFailure } from '../model/errors.js'
import { storedPath } from '../model/manifest.js'
import type { Manifest } from '../model/manifest.js'
import { findRot, rotOf } from './read-stored.js'
import type { Shelf } from './store-file.js'

// Below this, a flush of all that other programs have written too would take longer than these files alone
const manyFiles = 64

/** Everything that was written reaches the disk and is read again through the operating system. */
export async function readBack(shelf: Shelf, manifest: Manifest): Promise<void> {
  const isFlushed = shelf.written.length >= manyFiles && (await disk.syncFileSystem(shelf.folder))
  if (!isFlushed) {
    await disk.fsyncFiles(shelf.written)
    for (const folder of foldersIn(shelf.folder)) syncDirectory(folder)
  }
  const written = new Set(shelf.written)
  for (const store of manifest.stores) {
    for (const file of store.files) {
      const path = join(shelf.folder, storedPath(store.name, file))
      if (!written.has(path)) continue
      const found = shelf.readBack.get(path)
      const rot = found === undefined ? await findRot(path, file, shelf.signal) : rotOf(found, file)
      if (rot !== null) throw unreadable(manifest.id, store.name, file.path, rot)
      disk.chmod(path, 0o400)
    }
  }
}

function foldersIn(folder: string): string[] {
  return [
    ...disk
      .readdir(folder)
      .filter((entry) => entry.isDirectory())
      .flatMap(({ name }) => foldersIn(join(folder, name))),
    folder,
  ]
}

function unreadable(id: string, store: string, path: string, rot: string): MoultFailure<'BACKUP_FAILED'> {
  return new MoultFailure('BACKUP_FAILED', {
    message: `The backup ${id} was written, and read back ${path} of '${store}' ${rot}. It was removed.`,
    hint: 'The disk gives back something else than was written to it: look at it before anything else.',
    details: { store, path },
  })
}
