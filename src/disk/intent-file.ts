import { createHash, type Hash } from 'node:crypto'
import { dirname, join } from 'node:path'
import { MoultFailure } from '../model/errors.js'
import { disk } from './disk.js'
import type { Decider, DirectoryState, In, Intent, MadeDirectory, Out } from './intent.js'
import { isPlainPath, isReservedName, isStagingPath } from './relative-path.js'
import { syncDirectory } from './sync-directory.js'
import { writeFully } from './write-file.js'

const format = 1
const chunkLength = 65_536

export function intentPath(runFolder: string, number: number): string {
  return join(runFolder, `commit-${number}.jsonl`)
}

/** Writes the intent durably: a crash leaves all of it or, under the temporary name, nothing that counts. */
export function writeIntent(path: string, intent: Intent): void {
  const temporary = `${path}.new`
  const fd = disk.open(temporary, 'w', 0o600)
  try {
    try {
      const hash = createHash('sha256')
      let chunk = ''
      for (const line of linesOf(intent)) {
        chunk += `${JSON.stringify(line)}\n`
        if (chunk.length < chunkLength) continue
        writeHashed(fd, hash, chunk)
        chunk = ''
      }
      writeHashed(fd, hash, chunk)
      writeFully(fd, Buffer.from(`${JSON.stringify({ is: 'end', sha256: hash.digest('hex') })}\n`))
      disk.fsync(fd)
    } finally {
      disk.close(fd)
    }
    disk.rename(temporary, path)
  } catch (error) {
    try {
      disk.unlink(temporary)
    } catch {
      // The first error says more, and the name does not count.
    }
    throw error
  }
  syncDirectory(dirname(path))
}

function writeHashed(fd: number, hash: Hash, text: string): void {
  const bytes = Buffer.from(text)
  hash.update(bytes)
  writeFully(fd, bytes)
}

function* linesOf(intent: Intent): Generator<Readonly<Record<string, unknown>>> {
  const { number, decider, stagings } = intent
  yield { is: 'commit', format, number, decider, stagings }
  for (const { path, staging, number, isLinked, was } of intent.outs) {
    yield { is: 'out', path, staging, number, isLinked, was }
  }
  for (const state of intent.removed) yield { is: 'removed', ...directoryLine(state) }
  for (const { path, mode, uid, gid } of intent.made) yield { is: 'made', path, mode, uid, gid }
  for (const state of intent.touched) yield { is: 'touched', ...directoryLine(state) }
  for (const { path, staging, from, number, sha256, replaces } of intent.ins) {
    yield { is: 'in', path, staging, from, number, sha256, replaces }
  }
}

function directoryLine({ path, mode, uid, gid, atimeNs, mtimeNs }: DirectoryState): Record<string, unknown> {
  return { path, mode, uid, gid, atimeNs: String(atimeNs), mtimeNs: String(mtimeNs) }
}

export interface ParsedIntent {
  readonly intent: Intent
  readonly isDecided: boolean
  readonly isDone: boolean
}

/**
 * Reads a journal as hostile: null unless it is whole, each line is of its kind, and every path stays inside the root
 * and outside moult's own names. Throws `FORMAT_UNKNOWN` for another format. A torn line after the end is not there.
 */
export function parseIntent(bytes: Buffer, path: string): ParsedIntent | null {
  const firstEnd = bytes.indexOf(10)
  const header = firstEnd === -1 ? null : parseLine(bytes.subarray(0, firstEnd).toString())
  if (header === null || header['is'] !== 'commit') return null
  if (header['format'] !== format) throw unknownFormat(path)
  const lines: Line[] = []
  const hash = createHash('sha256')
  let start = 0
  for (let end = firstEnd; end !== -1; end = bytes.indexOf(10, start)) {
    const line = parseLine(bytes.subarray(start, end).toString())
    if (line === null) return null
    if (line['is'] === 'end') {
      if (line['sha256'] !== hash.digest('hex')) return null
      const intent = intentOf(lines)
      return intent === null ? null : { intent, ...parseOutcome(bytes.subarray(end + 1).toString()) }
    }
    hash.update(bytes.subarray(start, end + 1))
    lines.push(line)
    start = end + 1
  }
  return null
}

function parseOutcome(text: string): { isDecided: boolean; isDone: boolean } {
  const words = text
    .split('\n')
    .slice(0, -1)
    .map((line) => parseLine(line)?.['is'])
  return { isDecided: words.includes('decided'), isDone: words.includes('done') }
}

type Line = Readonly<Record<string, unknown>>

function parseLine(text: string): Line | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Line) : null
  } catch {
    return null
  }
}

function intentOf(lines: readonly Line[]): Intent | null {
  const [header, ...rest] = lines
  const stagings = header?.['stagings']
  if (header === undefined || !isNumber(header['number']) || !Array.isArray(stagings)) return null
  if (!stagings.every(isStagingPath) || !isDeciderOrNull(header['decider'])) return null
  const outs: Out[] = []
  const removed: DirectoryState[] = []
  const made: MadeDirectory[] = []
  const touched: DirectoryState[] = []
  const ins: In[] = []
  for (const line of rest) {
    if (isOut(line, stagings.length)) outs.push(line)
    else if (isIn(line, stagings.length)) ins.push(line)
    else if (isMade(line)) made.push(line)
    else if (isDirectoryLine(line)) {
      const state = { ...line, atimeNs: BigInt(line.atimeNs), mtimeNs: BigInt(line.mtimeNs) }
      if (line.is === 'removed') removed.push(state)
      else touched.push(state)
    } else return null
  }
  return { number: header['number'], decider: header['decider'], stagings, outs, removed, made, touched, ins }
}

function isOut(line: Line, stagings: number): line is Line & Out {
  return (
    line['is'] === 'out' &&
    isTarget(line['path']) &&
    isPlace(line, stagings) &&
    typeof line['isLinked'] === 'boolean' &&
    typeof line['was'] === 'string'
  )
}

function isIn(line: Line, stagings: number): line is Line & In {
  const { from, sha256, replaces } = line
  return (
    line['is'] === 'in' &&
    isTarget(line['path']) &&
    isPlace(line, stagings) &&
    (from === 'in' ? typeof sha256 === 'string' : from === 'out' && sha256 === null) &&
    (replaces === null || typeof replaces === 'string')
  )
}

function isMade(line: Line): line is Line & MadeDirectory {
  return (
    line['is'] === 'made' && isTarget(line['path']) && (line['mode'] === null || isMode(line['mode'])) && isOwned(line)
  )
}

interface DirectoryLine extends Omit<DirectoryState, 'atimeNs' | 'mtimeNs'> {
  readonly is: 'removed' | 'touched'
  readonly atimeNs: string
  readonly mtimeNs: string
}

function isDirectoryLine(line: Line): line is Line & DirectoryLine {
  const { is, path, mode, atimeNs, mtimeNs } = line
  return (
    ((is === 'removed' && isTarget(path)) || (is === 'touched' && (path === '' || isTarget(path)))) &&
    isMode(mode) &&
    isOwned(line) &&
    isNanoseconds(atimeNs) &&
    isNanoseconds(mtimeNs)
  )
}

function isDeciderOrNull(value: unknown): value is Decider | null {
  if (value === null) return true
  if (typeof value !== 'object') return false
  const { store, path, commitId } = value as Line
  return typeof store === 'string' && isTarget(path) && typeof commitId === 'string'
}

/** A path that a commit may change: inside the root and none of moult's own. */
function isTarget(path: unknown): path is string {
  return typeof path === 'string' && isPlainPath(path) && !path.split('/').some(isReservedName)
}

function isPlace(line: Line, stagings: number): boolean {
  return isNumber(line['number']) && isNumber(line['staging']) && line['staging'] < stagings
}

function isOwned(line: Line): boolean {
  return isNumber(line['uid']) && isNumber(line['gid'])
}

function isMode(value: unknown): boolean {
  return isNumber(value) && value <= 0o7777
}

function isNumber(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isNanoseconds(value: unknown): value is string {
  return typeof value === 'string' && /^-?\d{1,20}$/.test(value)
}

function unknownFormat(path: string): MoultFailure<'FORMAT_UNKNOWN'> {
  return new MoultFailure('FORMAT_UNKNOWN', {
    message: `${path} is a journal in a format that this version of moult does not know.`,
    hint: 'Start the newer program that began this run: it will finish it.',
    details: { path },
  })
}
