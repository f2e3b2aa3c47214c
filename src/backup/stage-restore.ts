import { join } from 'node:path'
import { breathe } from '../disk/breathe.js'
import { claimMatcher } from '../disk/claim-matcher.js'
import { completeIntent } from '../disk/complete-intent.js'
import { disk } from '../disk/disk.js'
import { unsupportedFile } from '../disk/failures.js'
import { lastingIdentityOf, lstatIfAny } from '../disk/identity.js'
import type { In, Intent, Out } from '../disk/intent.js'
import { nearestDirectory } from '../disk/new-file-ownership.js'
import { oldTree } from '../disk/old-tree.js'
import { parentOf } from '../disk/relative-path.js'
import { openStagedWriter, stagedPath } from '../disk/staged-file.js'
import { findStaleDerived } from '../disk/stale-derived.js'
import { openStaging } from '../disk/staging.js'
import type { Staging } from '../disk/staging.js'
import { storedPath } from '../model/manifest.js'
import type { BackedUpFile, BackedUpStore, Manifest } from '../model/manifest.js'
import type { Place } from '../model/store.js'
import type { Scene } from '../engine/places.js'
import { backupFolder } from './backups-folder.js'
import { contentOf } from './read-stored.js'
import { badBackup } from './read-manifest.js'

export interface RestoreRequest {
  readonly scene: Scene
  /** What is to come. */
  readonly manifest: Manifest
  /** What is there, kept as a backup of its own. */
  readonly kept: Manifest
  readonly skipVerify: boolean
  readonly signal: AbortSignal
  readonly onCopied: (bytes: number) => void
}

/**
 * Stages what a restore brings, and plans it as one commit of files over all stores: what is as it should be stays,
 * what the backup does not have leaves. Every byte is digested on the way; only staging folders change.
 *
 * @throws MoultError BACKUP_BAD when a file has other content than the manifest says.
 */
export async function stageRestore(request: RestoreRequest): Promise<Intent> {
  const { scene, manifest, kept } = request
  const outs: Out[] = []
  const ins: In[] = []
  const left: { base: string; path: string }[] = []
  const stagings: string[] = []
  for (const store of manifest.stores) {
    const place = scene.places.find(({ spec }) => spec.name === store.name)
    const there = kept.stores.find(({ name }) => name === store.name)
    if (place === undefined || there === undefined) throw new TypeError(`${store.name} has no place`)
    const difference = await compare(place, store, there)
    if (difference.arriving.length === 0 && difference.leaving.length === 0) continue
    const base = store.database === null ? store.claim.base : parentOf(store.path)
    const staging = await openStaging({ root: scene.root, runFolder: scene.runFolder, store: store.name, base })
    const index = stagings.push(staging.path) - 1
    for (const path of difference.leaving) {
      const stats = lstatIfAny(join(scene.root, path))
      if (stats === null) continue
      outs.push({ path, staging: index, number: staging.next(), isLinked: false, was: lastingIdentityOf(stats) })
      // A database's folder goes with it, if nothing else is in it
      const top = store.database === null ? base : ''
      left.push({ base: top, path: top === '' ? path : path.slice(top.length + 1) })
    }
    for (const file of difference.arriving) ins.push(await stageFile(request, store, file, staging, index))
  }
  return completeIntent({ root: scene.root, number: 1, decider: null, stagings, outs, ins, left })
}

interface Difference {
  readonly arriving: readonly BackedUpFile[]
  /** Relative to the root. */
  readonly leaving: readonly string[]
}

async function compare(place: Place, store: BackedUpStore, there: BackedUpStore): Promise<Difference> {
  const now = new Map(there.files.map((file) => [file.path, file]))
  const isSame = (file: BackedUpFile): boolean => {
    const other = now.get(file.path)
    return other?.sha256 === file.sha256 && other.mode === file.mode && store.database?.isRaw === there.database?.isRaw
  }
  const arriving = store.files.filter((file) => !isSame(file))
  const coming = new Set(store.files.map(({ path }) => path))
  const leaving = there.files.map(({ path }) => path).filter((path) => !coming.has(path))
  if (store.database !== null) {
    if (arriving.length > 0 || leaving.length > 0)
      for (const suffix of store.database.sidecars) {
        const path = store.path + suffix
        if (!coming.has(path) && !leaving.includes(path)) leaving.push(path)
      }
    return { arriving, leaving }
  }
  const { base } = place.claim
  const inside = (path: string): string => (base === '' ? path : path.slice(base.length + 1))
  const changed = [...arriving.map(({ path }) => path), ...leaving].map(inside)
  const tree = oldTree(place.root, base, claimMatcher(place.claim))
  const stale = findStaleDerived(place.claim, tree, changed)
  return { arriving, leaving: [...leaving, ...stale.map((path) => (base === '' ? path : `${base}/${path}`))] }
}

/** A database comes in the journal mode that it had: bytes 18 and 19 of its header say it. */
const loggedFormat = Uint8Array.of(2, 2)

async function stageFile(
  { scene, manifest, skipVerify, signal, onCopied }: RestoreRequest,
  store: BackedUpStore,
  file: BackedUpFile,
  staging: Staging,
  index: number,
): Promise<In> {
  const target = join(scene.root, file.path)
  const there = lstatIfAny(target)
  if (there?.isSymbolicLink() === true) throw unsupportedFile(target, 'a symlink')
  if (there !== null && !there.isFile() && !there.isDirectory()) throw unsupportedFile(target, 'not a plain file')
  const owner = there ?? disk.stat(nearestDirectory(scene.root, parentOf(file.path)))
  const writer = openStagedWriter(staging, { mode: file.mode, uid: Number(owner.uid), gid: Number(owner.gid) })
  const { createHash } = await import('node:crypto')
  const hash = createHash('sha256')
  const isLogged = store.database?.isRaw === false && store.database.journalMode === 'wal'
  let bytes = 0
  const from = join(backupFolder(scene, manifest.id), storedPath(store.name, file))
  for await (const piece of contentOf(from, file.stored, signal)) {
    hash.update(piece)
    if (isLogged && bytes === 0) piece.set(loggedFormat, 18)
    writer.write(piece)
    bytes += piece.length
    if (bytes > file.bytes) break
  }
  if (!skipVerify && (bytes !== file.bytes || hash.digest('hex') !== file.sha256))
    throw badBackup(manifest.id, `${file.path} of '${store.name}' has other bytes than when it was made`)
  const { number, sha256 } = writer.finish()
  const mtimeMs = Number(file.mtimeNs) / 1e6
  disk.utimes(stagedPath(staging, number), mtimeMs, mtimeMs)
  await breathe(signal)
  onCopied(bytes)
  const stats = lstatIfAny(target)
  return {
    path: file.path,
    staging: index,
    from: 'in',
    number,
    sha256,
    // A directory that stands there is emptied and goes before
    replaces: stats === null || stats.isDirectory() ? null : lastingIdentityOf(stats),
  }
}
