import type { BigIntStats } from 'node:fs'
import { join } from 'node:path'
import type { Claim } from '../model/claim.js'
import { disk } from './disk.js'
import { fileError, unsupportedFile } from './failures.js'
import { globMatcher } from './glob.js'
import { newFileOwnership, type Ownership } from './new-file-ownership.js'
import type { Content } from './overlay-delta.js'
import { draftOverlay, type OverlayDraft } from './overlay-draft.js'
import { overlayTree } from './overlay-tree.js'
import { readChunks, readOpenFile } from './read-file.js'
import { isPlainPath } from './relative-path.js'
import { sameBytes } from './same-bytes.js'
import { openStagedWriter, stagedPath, type StagedFile } from './staged-file.js'
import type { Staging } from './staging.js'

export interface OverlayRequest {
  /** The state's real path. */
  readonly root: string
  readonly claim: Claim
  readonly staging: Staging
}

export interface FileInfo {
  /** Bytes. */
  readonly size: number
  /** Permission bits. */
  readonly mode: number
}

export interface OverlayChanges {
  readonly added: number
  /** Files with other bytes than before. */
  readonly changed: number
  readonly removed: number
  /** Files whose path alone changed; they count nowhere else. */
  readonly moved: number
  /** Derived files that leave because of the others. */
  readonly derived: number
}

export interface OverlayWriter {
  write(chunk: Uint8Array): void
  /** Puts what was written in its place. */
  finish(): void
  /** Forgets what was written. */
  abandon(): void
}

/** A point to which an overlay can be taken back. */
export interface Savepoint {
  readonly mark: number
  readonly marker: StagedFile | null
  readonly lastNumber: number
}

/**
 * A store's tree as a step sees and changes it, while the disk stays as it is: new content goes to the staging folder,
 * everything else is names in memory. Paths are relative to the claim's base. Paths outside the claim are a
 * `TypeError`; symlinks, hard-linked and special files are `FILE_UNSUPPORTED` when they would be touched; a missing
 * or an occupied path throws an error with the file system's code (ENOENT, EEXIST, ENOTDIR, EISDIR).
 *
 * Bytes that equal what is there are no change. A replaced file keeps mode and owner; a moved one keeps everything.
 * A new file gets 0600 if the files around it are private, else what the umask makes of 0666, and under root the owner
 * of its directory.
 */
export interface Overlay {
  readonly root: string
  readonly claim: Claim
  readonly staging: Staging
  /** Plain files of the store, sorted, as they are now; those that match, if patterns are given. */
  list(patterns?: string | readonly string[], signal?: AbortSignal): Promise<string[]>
  has(path: string): boolean
  read(path: string): Buffer
  /** The file in pieces of at most 64 KiB, as it was when the first was asked for. */
  readChunks(path: string): Generator<Buffer, void, undefined>
  /** null if there is no such file. */
  info(path: string): FileInfo | null
  /**
   * What an lstat will say after the commit, times and links too; null if nothing is there, or nothing that a path leads
   * to. Also of symlinks.
   */
  stats(path: string): BigIntStats | null
  write(path: string, bytes: Uint8Array): void
  /** Writes a file in pieces; nothing is seen of it before `finish`. */
  openWriter(path: string): OverlayWriter
  /** Moves a file, or the store's files in a directory; `to` must be free. */
  move(from: string, to: string): Promise<void>
  /** Removes a file, or the store's files in a directory. */
  remove(path: string): Promise<void>
  writeMarker(bytes: Uint8Array): void
  savepoint(): Savepoint
  rollbackTo(savepoint: Savepoint): void
  changes(): OverlayChanges
  /** What a commit needs. */
  draft(): OverlayDraft
  /** Deletes what was staged. */
  discard(): void
}

export function openOverlay(request: OverlayRequest): Overlay {
  const { root, claim, staging } = request
  const tree = overlayTree(root, claim, staging)
  const { old, delta, shown, checkPath, checkPlace, isOldFile, contentOf, contentAt, setContent, seeToChange } = tree
  const live = new Set<number>()
  let marker: StagedFile | null = null
  let lastNumber = -1
  // Staged files up to this number may be needed by a rollback.
  let keptNumber = -1

  const unstage = (content: Content | null | undefined): void => {
    if (!content || !('staged' in content) || content.staged.number <= keptNumber) return
    live.delete(content.staged.number)
    disk.unlink(stagedPath(staging, content.staged.number))
  }

  /** With the bytes of what stands there, if anything does. */
  const ownershipFor = (path: string): Ownership & { readonly size?: number } => {
    const content = contentOf(path) ?? (isOldFile(path) ? { old: path } : undefined)
    if (content === undefined) return newFileOwnership({ root, claim, old, path })
    const stats = 'old' in content ? seeToChange(content.old) : disk.lstat(stagedPath(staging, content.staged.number))
    return {
      mode: Number(stats.mode) & 0o7777,
      uid: Number(stats.uid),
      gid: Number(stats.gid),
      size: Number(stats.size),
    }
  }

  const stage = (path: string, ownership: Ownership, done: (file: StagedFile) => void): OverlayWriter => {
    const writer = openStagedWriter(staging, ownership)
    let isOpen = true
    return {
      write(chunk) {
        if (!isOpen) throw new TypeError(`the writer of ${shown(path)} is closed`)
        writer.write(chunk)
      },
      finish() {
        if (!isOpen) throw new TypeError(`the writer of ${shown(path)} is closed`)
        isOpen = false
        const file = writer.finish()
        lastNumber = Math.max(lastNumber, file.number)
        live.add(file.number)
        done(file)
      },
      abandon() {
        if (!isOpen) return
        isOpen = false
        writer.abandon()
      },
    }
  }

  /** Whether a staged file has the bytes of an old one. */
  const equalsOld = (file: StagedFile, path: string): boolean => {
    if (BigInt(file.size) !== seeToChange(path).size) return false
    const fd = tree.openContent({ old: path })
    try {
      return sameBytes(fd, disk.open(stagedPath(staging, file.number), 'r'))
    } finally {
      disk.close(fd)
    }
  }

  const readContent = (content: Content): Buffer => {
    const fd = tree.openContent(content)
    try {
      return readOpenFile(fd)
    } finally {
      disk.close(fd)
    }
  }

  /** Whether an old file that stands at `path` has these bytes already. */
  const hasBytes = (path: string, bytes: Uint8Array): boolean => {
    const content = contentOf(path)
    return content !== undefined && 'old' in content && readContent(content).equals(bytes)
  }

  const putStaged = (path: string, file: StagedFile, isKnownToDiffer: boolean): void => {
    checkPlace(path)
    const before = contentOf(path)
    const content: Content = { staged: file }
    const isBack = delta.get(path) !== undefined && isOldFile(path) && delta.movedTo(path) === undefined
    if (before !== undefined && 'staged' in before && before.staged.sha256 === file.sha256) unstage(content)
    else if (before !== undefined && 'old' in before && !isKnownToDiffer && equalsOld(file, before.old))
      unstage(content)
    else if (isBack && equalsOld(file, path)) {
      setContent(path, { old: path })
      unstage(content)
      unstage(before)
    } else {
      setContent(path, content)
      unstage(before)
    }
  }

  const openWriter = (path: string): OverlayWriter => {
    checkPath(path, 'write')
    checkPlace(path)
    return stage(path, ownershipFor(path), (file) => putStaged(path, file, false))
  }

  const writeWith = (writer: OverlayWriter, bytes: Uint8Array): void => {
    try {
      writer.write(bytes)
      writer.finish()
    } catch (error) {
      try {
        writer.abandon()
      } catch {
        // The first error says more; what is left in the staging folder goes with it.
      }
      throw error
    }
  }

  /** What stands at a path, or the store's files below it, in order. */
  const filesAt = async (path: string): Promise<string[]> => {
    if (contentOf(path) !== undefined) {
      checkPath(path, 'write')
      return [path]
    }
    if (!isPlainPath(path)) checkPath(path, 'write')
    const files = await tree.filesBelow(path)
    if (files.length === 0) throw fileError('ENOENT', shown(path), 'no such file')
    return files
  }

  const moveFile = (from: string, to: string): void => {
    checkPath(to, 'write')
    const content = contentAt(from)
    if ('old' in content) seeToChange(content.old)
    if (contentOf(to) !== undefined) throw fileError('EEXIST', shown(to), 'already exists')
    if (isOldFile(to)) seeToChange(to)
    setContent(from, null)
    checkPlace(to)
    setContent(to, content)
  }

  return {
    root,
    claim,
    staging,
    async list(patterns, signal) {
      const matches = patterns === undefined ? () => true : globMatcher(patterns)
      return (await tree.filesBelow('', signal)).filter((path) => tree.isPlain(path) && matches(path))
    },
    has(path) {
      checkPath(path, 'read')
      return contentOf(path) !== undefined
    },
    read(path) {
      checkPath(path, 'read')
      return readContent(contentAt(path))
    },
    *readChunks(path) {
      checkPath(path, 'read')
      const fd = tree.openContent(contentAt(path))
      try {
        yield* readChunks(fd)
      } finally {
        disk.close(fd)
      }
    },
    info(path) {
      checkPath(path, 'read')
      const content = contentOf(path)
      if (content === undefined) return null
      return tree.describe(content)
    },
    stats(path) {
      const content = contentOf(path)
      if (content === undefined || ('old' in content && old.kindOf(content.old) === 'undecodable')) return null
      return disk.lstat(
        'old' in content ? join(root, claim.base, content.old) : stagedPath(staging, content.staged.number),
      )
    },
    write(path, bytes) {
      checkPath(path, 'write')
      checkPlace(path)
      const ownership = ownershipFor(path)
      if (ownership.size === bytes.length && hasBytes(path, bytes)) return
      writeWith(
        stage(path, ownership, (file) => putStaged(path, file, true)),
        bytes,
      )
    },
    openWriter,
    async move(from, to) {
      if (!isPlainPath(to)) checkPath(to, 'write')
      if (to === from) return
      const files = await filesAt(from)
      if (to.startsWith(`${from}/`) && files[0] !== from) {
        throw fileError('EINVAL', shown(to), 'cannot move a directory into itself')
      }
      if (files[0] !== from && (contentOf(to) !== undefined || (await tree.filesBelow(to)).length > 0)) {
        throw fileError('EEXIST', shown(to), 'already exists')
      }
      const mark = delta.mark()
      try {
        for (const file of files) moveFile(file, to + file.slice(from.length))
      } catch (error) {
        delta.rollBack(mark)
        throw error
      }
    },
    async remove(path) {
      const files = await filesAt(path)
      for (const file of files) {
        const content = contentAt(file)
        if ('old' in content) seeToChange(content.old)
      }
      for (const file of files) {
        const content = contentOf(file)
        setContent(file, null)
        unstage(content)
      }
    },
    writeMarker(bytes) {
      checkNoMarkerDirectory()
      const before = marker
      const ownership = isOldFile(claim.marker)
        ? ownershipFor(claim.marker)
        : newFileOwnership({ root, claim, old, path: claim.marker })
      const writer = stage(claim.marker, ownership, (file) => {
        marker = file
        if (before !== null) unstage({ staged: before })
      })
      writeWith(writer, bytes)
    },
    savepoint() {
      keptNumber = lastNumber
      return { mark: delta.mark(), marker, lastNumber }
    },
    rollbackTo(savepoint) {
      delta.rollBack(savepoint.mark)
      marker = savepoint.marker
      for (const number of live) {
        if (number <= savepoint.lastNumber) continue
        live.delete(number)
        disk.unlink(join(staging.folder, 'in', String(number)))
      }
    },
    changes() {
      return countChanges(this.draft())
    },
    draft: () => draftOverlay({ claim, staging, old, delta, marker, seen: tree.seen }),
    discard() {
      for (const number of live) disk.unlink(join(staging.folder, 'in', String(number)))
      live.clear()
    },
  }

  function checkNoMarkerDirectory(): void {
    if (old.kindOf(claim.marker) === 'directory') throw unsupportedFile(shown(claim.marker), 'a directory')
  }
}

function countChanges(draft: OverlayDraft): OverlayChanges {
  let added = 0
  let changed = 0
  let moved = 0
  for (const { content, replaces } of draft.arriving) {
    if ('old' in content) moved += 1
    else if (replaces) changed += 1
    else added += 1
  }
  const removed = draft.leaving.filter((path) => path.movedTo === null && !path.isReplaced && !path.isDerived).length
  return { added, changed, removed, moved, derived: draft.leaving.filter((path) => path.isDerived).length }
}
