import { basename } from 'node:path'
import { disk } from '../../disk/disk.js'
import { systemCode } from '../../model/errors.js'
import { cannotMake } from './cannot-make.js'
import { readSmallFile } from '../read-small-file.js'

/** What `owner.json` says: which run holds the lock. Read by people, by refusals and by the run's own fence. */
export interface Owner {
  readonly runId: string
  readonly pid: number
  readonly host: string
  readonly startedAt: string
  /** The main script's file name. */
  readonly program: string
}

export function ownerOfThisRun(): Owner {
  // Not imported: whoever only opens a state that is up to date need not load them (G9)
  const { randomUUID } = process.getBuiltinModule('node:crypto')
  return {
    runId: randomUUID(),
    pid: process.pid,
    host: hostName(),
    startedAt: new Date().toISOString(),
    program: basename(process.argv[1] ?? process.argv[0] ?? 'node'),
  }
}

function hostName(): string {
  return process.getBuiltinModule('node:os').hostname()
}

/**
 * Only called while the gate is held exclusively; a rename, so that readers never see half of it.
 *
 * @throws MoultError READ_ONLY, NO_PERMISSION, NO_SPACE, DISK_FAILED
 */
export function writeOwner(path: string, owner: Owner): void {
  try {
    const temporary = `${path}.new`
    writeText(temporary, `${JSON.stringify(owner, null, 2)}\n`)
    disk.rename(temporary, path)
  } catch (error) {
    throw cannotMake(path, error)
  }
}

function writeText(path: string, text: string): void {
  const bytes = Buffer.from(text)
  const fd = disk.open(path, 'w')
  try {
    for (let at = 0; at < bytes.length;) at += disk.write(fd, bytes, at, bytes.length - at, null)
  } finally {
    disk.close(fd)
  }
}

/** Null when there is none, or it isn't one. */
export function readOwner(path: string): Owner | null {
  try {
    const owner = JSON.parse(readSmallFile(path)) as Partial<Owner> | null
    const isWhole = typeof owner?.runId === 'string' && Number.isInteger(owner.pid) && typeof owner.host === 'string'
    return isWhole && typeof owner.program === 'string' ? (owner as Owner) : null
  } catch {
    return null
  }
}

/** Only if it still names this run: after a lost lock it may be another's, whose fence relies on it. */
export function removeOwner(path: string, runId: string): void {
  if (readOwner(path)?.runId !== runId) return
  try {
    disk.unlink(path)
  } catch (error) {
    // Left behind, it names a run that is over until the next one overwrites it
    if (systemCode(error) === '') throw error
  }
}

/** Null when the process it names is certainly gone: a killed holder leaves its name behind. */
export function nameOwner(path: string): string | null {
  const owner = readOwner(path)
  if (owner === null) return null
  if (owner.host !== hostName()) return `${owner.program} (pid ${owner.pid} on ${owner.host})`
  return isAlive(owner.pid) ? `${owner.program} (pid ${owner.pid})` : null
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return systemCode(error) !== 'ESRCH'
  }
}
