import { dirname, join } from 'node:path'
import { systemCode } from '../model/errors.js'
import { breathe } from './breathe.js'
import { checkRoom } from './commit-room.js'
import { outFolder, outPath, sourceOf, type CommitWork } from './commit-work.js'
import { copyFile } from './copy-file.js'
import { disk } from './disk.js'
import { changedFile, damaged } from './failures.js'
import { FreeLater } from './free-later.js'
import { makeWay } from './keep-aside.js'
import { isAbsent, lastingIdentityOf, lstatIfAny } from './identity.js'
import type { In, MadeDirectory, Out } from './intent.js'
import { makeDirectory } from './make-directory.js'
import { syncDirectory } from './sync-directory.js'

const movesPerFence = 128

/**
 * Phase one: what leaves goes to `out/`, emptied directories go, new ones come, all made durable. Can be undone, and
 * repeated after a crash. Ends by trying each path that will get content, so that phase two finds what it needs.
 */
export async function runPhaseOne(work: CommitWork): Promise<void> {
  const { root, intent } = work
  const changed = new Set<string>()
  for (const [index, out] of intent.outs.entries()) {
    await breathe()
    if (index % movesPerFence === 0) work.fence?.()
    moveOut(work, out)
    changed.add(dirname(join(root, out.path))).add(outFolder(work, out.staging))
  }
  for (const { path } of intent.removed) {
    removeIfEmpty(join(root, path))
    changed.add(dirname(join(root, path)))
  }
  for (const directory of intent.made) {
    makeOne(root, directory)
    changed.add(join(root, directory.path)).add(dirname(join(root, directory.path)))
  }
  for (const path of changed) syncIfAny(path)
  await checkRoom(work)
}

/**
 * Phase two: content comes to its place. Only forward, and may be repeated until it succeeds. What somebody else has put
 * in the way meanwhile is kept beside it.
 */
export async function runPhaseTwo(work: CommitWork): Promise<void> {
  const { root, intent } = work
  const changed = new Set<string>()
  for (const directory of intent.made) await insist(work, () => makeOne(root, directory))
  const replaced = new FreeLater()
  try {
    for (const arrival of intent.ins) {
      await breathe()
      const target = join(root, arrival.path)
      if (arrival.replaces === null) await arrive(work, arrival)
      else await replaced.during(target, () => arrive(work, arrival))
      changed.add(dirname(target)).add(dirname(sourceOf(work, arrival)))
    }
  } finally {
    await replaced.end()
  }
  for (const path of changed) syncDirectory(path)
}

async function arrive(work: CommitWork, arrival: In): Promise<void> {
  const source = sourceOf(work, arrival)
  const target = join(work.root, arrival.path)
  const replace = (): void => {
    makeWay(work, arrival)
    bring(source, target)
  }
  try {
    await insist(work, replace)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
    if (lstatIfAny(source) === null) {
      checkInstalled(target, arrival)
      return
    }
    // Somebody has removed the directory, and content that was decided on still has to come
    makeDirectory(dirname(target))
    await insist(work, replace)
  }
}

/**
 * Takes phase one back, wherever it stopped: every path has the bytes, mode and mtime it had, the directories too.
 * May be repeated. A path where something else stands now is `DAMAGED`, with everything kept.
 */
export async function reversePhaseOne(work: CommitWork): Promise<void> {
  const { root, intent } = work
  for (const { path } of intent.made.toReversed()) removeIfEmpty(join(root, path))
  for (const { path, mode, uid, gid } of intent.removed.toReversed()) {
    const directory = join(root, path)
    if (lstatIfAny(directory) !== null) continue
    await insist(work, () => disk.mkdir(directory))
    own(directory, { mode, uid, gid })
  }
  for (const [index, out] of intent.outs.entries()) {
    await breathe()
    if (index % movesPerFence === 0) work.fence?.()
    await moveBack(work, out)
  }
  const changed = new Set<string>()
  for (const { path, atimeNs, mtimeNs } of [...intent.removed, ...intent.touched]) {
    const directory = join(root, path)
    const stats = lstatIfAny(directory)
    if (stats?.isDirectory() !== true) continue
    if (stats.mtimeNs !== mtimeNs) disk.setTimes(directory, atimeNs, mtimeNs)
    changed.add(directory)
  }
  for (const path of changed) syncDirectory(path)
}

/** Renames a file to its place; copies it where the file system refuses that, which a crash may repeat. */
function bring(source: string, target: string): void {
  try {
    disk.rename(source, target)
  } catch (error) {
    if (systemCode(error) !== 'EXDEV') throw error
    copyFile(source, target)
    disk.unlink(source)
  }
}

/** Throws unless a path whose content is no longer staged has got it. */
export function checkInstalled(target: string, arrival: In): void {
  const stats = lstatIfAny(target)
  if (stats === null) throw damaged(arrival.path, 'has neither its new content nor anything staged for it')
  if (lastingIdentityOf(stats) === arrival.replaces)
    throw damaged(arrival.path, 'is old still, and its new content is gone')
}

/** Moves a leaving file out, unless it is out already. */
export function moveOut(work: CommitWork, out: Out): void {
  const from = join(work.root, out.path)
  const to = outPath(work, out)
  if (lstatIfAny(to) !== null) return
  try {
    if (out.isLinked) linkOrRename(from, to)
    else disk.rename(from, to)
  } catch (error) {
    if (isAbsent(error)) throw changedFile(out.path, 'was removed')
    throw error
  }
}

function linkOrRename(from: string, to: string): void {
  try {
    disk.link(from, to)
  } catch (error) {
    if (!['EMLINK', 'EPERM', 'EXDEV', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(systemCode(error))) throw error
    disk.rename(from, to)
  }
}

async function moveBack(work: CommitWork, out: Out): Promise<void> {
  const waiting = outPath(work, out)
  const home = join(work.root, out.path)
  const there = lstatIfAny(waiting)
  const here = lstatIfAny(home)
  if (there === null) {
    if (here === null) throw damaged(out.path, 'is neither in its place nor in the staging folder')
  } else if (here === null) {
    await insist(work, () => disk.rename(waiting, home))
  } else if (out.isLinked || (here.ino === there.ino && here.dev === there.dev)) {
    // A linked file never left its path: what stands there now, somebody put in its place
    disk.unlink(waiting)
  } else {
    throw damaged(out.path, 'cannot be put back, because something else stands there')
  }
}

function removeIfEmpty(path: string): void {
  try {
    disk.rmdir(path)
  } catch (error) {
    // Somebody may have put a file there, or it may be a mount point: then it stays.
    if (!isAbsent(error) && !['ENOTEMPTY', 'EEXIST', 'EBUSY', 'EACCES', 'EPERM'].includes(systemCode(error)))
      throw error
  }
}

function makeOne(root: string, { path, mode, uid, gid }: MadeDirectory): void {
  const directory = join(root, path)
  try {
    disk.mkdir(directory, mode ?? 0o777)
  } catch (error) {
    if (systemCode(error) === 'EEXIST' && lstatIfAny(directory)?.isDirectory() === true) return
    throw error
  }
  own(directory, { mode, uid, gid })
}

function own(path: string, { mode, uid, gid }: { mode: number | null; uid: number; gid: number }): void {
  const stats = disk.lstat(path)
  const isOwned = stats.uid === BigInt(uid) && stats.gid === BigInt(gid)
  if (!isOwned && process.getuid?.() === 0) disk.chown(path, uid, gid)
  if (mode !== null && (Number(stats.mode) & 0o7777) !== mode) disk.chmod(path, mode)
}

function syncIfAny(path: string): void {
  try {
    syncDirectory(path)
  } catch (error) {
    if (!isAbsent(error)) throw error
  }
}

const patienceMs = 10_000
const pauseMs = 50

/**
 * Does what has to be done: tries again for 10 s while somebody holds the file (EPERM, EBUSY, EACCES: another program
 * on Windows, a virus scanner), and once more without the ballast if the disk is full (protocol 14).
 */
export async function insist(work: Pick<CommitWork, 'runFolder'>, operation: () => void): Promise<void> {
  const end = performance.now() + patienceMs
  for (;;) {
    try {
      operation()
      return
    } catch (error) {
      switch (systemCode(error)) {
        case 'ENOSPC':
        case 'EDQUOT':
          if (!dropBallast(work.runFolder)) throw error
          break
        case 'EPERM':
        case 'EBUSY':
        case 'EACCES':
          if (performance.now() >= end) throw error
          await new Promise((resolve) => setTimeout(resolve, pauseMs))
          break
        default:
          throw error
      }
    }
  }
}

function dropBallast(runFolder: string): boolean {
  const path = join(runFolder, 'ballast')
  if (lstatIfAny(path) === null) return false
  disk.unlink(path)
  return true
}
