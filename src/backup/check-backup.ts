import { join } from 'node:path'
import { breathe } from '../disk/breathe.js'
import { lstatIfAny } from '../disk/identity.js'
import { joinPath } from '../disk/relative-path.js'
import { listDirectory } from '../disk/walk.js'
import { storedPath } from '../model/manifest.js'
import type { Manifest } from '../model/manifest.js'
import type { Scene } from '../engine/places.js'
import { backupFolder } from './backups-folder.js'
import { findRot } from './read-stored.js'

/**
 * Compares what lies in a backup's folder with its manifest, without reading content: a sentence says what is wrong, or
 * null. Nothing may be missing, nothing more may be there, and all of it is plain files in plain directories.
 */
export async function findStray(scene: Scene, manifest: Manifest): Promise<string | null> {
  const folder = backupFolder(scene, manifest.id)
  if (lstatIfAny(folder)?.isDirectory() !== true) return 'its folder is none'
  const expected = new Map<string, number | null>([['manifest.json', null]])
  for (const store of manifest.stores)
    for (const file of store.files)
      expected.set(storedPath(store.name, file), file.stored === 'plain' ? file.bytes : null)
  const folders = ['']
  for (let at = folders.pop(); at !== undefined; at = folders.pop()) {
    for (const entry of listDirectory(join(folder, at))) {
      await breathe()
      const path = joinPath(at, entry.name)
      if (entry.isDirectory()) {
        folders.push(path)
        continue
      }
      const bytes = expected.get(path)
      if (bytes === undefined) return `${path} is not in its manifest`
      if (!entry.isFile()) return `${path} is no plain file`
      if (bytes !== null && Number(lstatIfAny(join(folder, path))?.size ?? -1) !== bytes)
        return `${path} is not of the size that its manifest says`
      expected.delete(path)
    }
  }
  const [missing] = expected.keys()
  return missing === undefined ? null : `${missing} is missing`
}

export interface RottenFile {
  readonly store: string
  readonly path: string
  readonly what: string
}

/** Reads all of a backup: the files whose content is not what the manifest says. */
export async function findRotten(scene: Scene, manifest: Manifest, signal: AbortSignal): Promise<RottenFile[]> {
  const rotten: RottenFile[] = []
  // A link to the same content is read once
  const seen = new Map<string, string | null>()
  for (const store of manifest.stores) {
    for (const file of store.files) {
      const path = join(backupFolder(scene, manifest.id), storedPath(store.name, file))
      const stats = lstatIfAny(path)
      const key = `${stats?.dev}:${stats?.ino}:${file.sha256}:${file.stored}`
      const what = seen.has(key) ? (seen.get(key) ?? null) : await findRot(path, file, signal)
      seen.set(key, what)
      if (what !== null) rotten.push({ store: store.name, path: file.path, what })
    }
  }
  return rotten
}
