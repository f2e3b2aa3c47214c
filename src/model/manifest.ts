import type { Claim } from './claim.js'
import { isReservedName } from './reserved-name.js'

/** What `manifest.json` of a backup says. `docs/format.md` describes it. */
export interface Manifest {
  readonly moult: 1
  readonly id: string
  /** When, as an ISO date. */
  readonly createdAt: string
  readonly app: string
  readonly appVersion: string | null
  /** What made it: a person, a run before its first write, or a restore that kept what was there. */
  readonly cause: 'command' | 'run' | 'restore'
  readonly reason: string | null
  /** The caller's own, any JSON. */
  readonly metadata: unknown
  /** `fuzzy`: some files changed while they were copied, `moved` names them. */
  readonly moment: 'exact' | 'fuzzy'
  readonly moved: readonly string[]
  readonly stores: readonly BackedUpStore[]
}

export interface BackedUpStore {
  readonly name: string
  readonly kind: string
  /** Relative to the root, with `/`; `''` is the root itself. */
  readonly path: string
  /** The version its marker said; null: no marker that could be read. */
  readonly version: number | null
  /** Which files are the store's: what is there besides the backup's leaves with a restore. */
  readonly claim: Claim
  readonly database: BackedUpDatabase | null
  readonly files: readonly BackedUpFile[]
  /** Directories of the files that are closed to others, with their modes. */
  readonly directories: readonly { readonly path: string; readonly mode: number }[]
  /** Symlinks and the like, which are not backed up. */
  readonly skipped: readonly string[]
}

export interface BackedUpDatabase {
  /** Of the live database: `wal`, or any of the rollback modes. */
  readonly journalMode: string
  /** What was wrong with it when it was copied; null: it is whole. A `raw` one is as it lay there, with its sidecars. */
  readonly damage: string | null
  readonly isRaw: boolean
  readonly sidecars: readonly string[]
}

export interface BackedUpFile {
  /** Relative to the root, with `/`. In the backup it lies at `stores/<store>/<the same path>`. */
  readonly path: string
  /** Of the content. */
  readonly sha256: string
  /** Of the content. */
  readonly bytes: number
  /** Permission bits. */
  readonly mode: number
  /** In nanoseconds since 1970, as text. */
  readonly mtimeNs: string
  /** How it lies in the backup; a compressed one has `.gz` after its name. */
  readonly stored: 'plain' | 'gzip'
}

/** What people and programs are told of a backup. */
export interface BackupInfo {
  readonly id: string
  readonly createdAt: string
  readonly appVersion: string | null
  readonly cause: Manifest['cause']
  readonly reason: string | null
  readonly metadata: unknown
  readonly moment: Manifest['moment']
  /** Of the content; what it takes on the disk may be less. */
  readonly bytes: number
  /** Store → the version its marker said. */
  readonly stores: Readonly<Record<string, number | null>>
  /** Everything that was there could be copied and is what it should be. */
  readonly whole: boolean
}

export function describeBackup(manifest: Manifest): BackupInfo {
  const { id, createdAt, appVersion, cause, reason, metadata, moment, stores } = manifest
  return {
    id,
    createdAt,
    appVersion,
    cause,
    reason,
    metadata,
    moment,
    bytes: stores.reduce((sum, { files }) => sum + files.reduce((all, { bytes }) => all + bytes, 0), 0),
    stores: Object.fromEntries(stores.map(({ name, version }) => [name, version])),
    whole: stores.every(({ database }) => database === null || database.damage === null),
  }
}

/** Where a file lies in its backup's folder. */
export function storedPath(store: string, { path, stored }: Pick<BackedUpFile, 'path' | 'stored'>): string {
  return `stores/${store}/${path}${stored === 'gzip' ? '.gz' : ''}`
}

const mostFiles = 10_000_000
const idPattern = /^[0-9A-Za-z][0-9A-Za-z-]{0,63}$/
const storePattern = /^[\p{L}\p{N}_][\p{L}\p{N}._-]{0,99}$/u
const devices = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/i

export function isBackupId(id: unknown): id is string {
  return typeof id === 'string' && idPattern.test(id)
}

/**
 * Reads a manifest, which may come from anybody: a sentence says what is wrong with it. What it names stays inside the
 * root and off moult's own, no path stands twice, and no number is one that a file cannot have. `system` is the platform:
 * some names are devices on Windows.
 */
export function parseManifest(text: string, id: string, system: string): Manifest | string {
  let given: unknown
  try {
    given = JSON.parse(text)
  } catch {
    return 'it is no JSON'
  }
  if (!isObject(given)) return 'it is no object'
  if (given['moult'] !== 1) return `its format is ${JSON.stringify(given['moult'])}, and this version knows only 1`
  if (given['id'] !== id) return 'its id is not that of its folder'
  if (JSON.stringify(given) !== text.trim()) return 'it has keys that stand twice, or was not written by moult'
  if (!isString(given['createdAt']) || Number.isNaN(Date.parse(given['createdAt']))) return 'its date is none'
  if (!isString(given['app']) || !isStringOrNull(given['appVersion']) || !isStringOrNull(given['reason']))
    return 'it does not say who made it'
  if (!['command', 'run', 'restore'].includes(String(given['cause']))) return 'it does not say what made it'
  if (!['exact', 'fuzzy'].includes(String(given['moment'])) || !isListOf(given['moved'], isString))
    return 'it does not say of which moment it is'
  const { stores } = given
  if (!Array.isArray(stores)) return 'its stores are no list'
  const names = new Set<string>()
  const paths = new Set<string>()
  for (const store of stores) {
    const wrong = checkStore(store, names, paths)
    if (wrong !== null) return wrong
  }
  const device = system === 'win32' ? [...paths, ...names].find(isDevice) : undefined
  if (device !== undefined) return `${shown(device)} is a device here`
  const below = [...paths].find((path) => ancestorsOf(path).some((ancestor) => paths.has(ancestor)))
  if (below !== undefined) return `${shown(below)} lies in a file`
  return given as unknown as Manifest
}

function checkStore(store: unknown, names: Set<string>, paths: Set<string>): string | null {
  if (!isObject(store)) return 'a store is no object'
  const { name } = store
  if (!isString(name) || !storePattern.test(name)) return 'a store has a name that none can have'
  const folded = name.toLowerCase()
  if (names.has(folded)) return `the store ${name} stands twice`
  names.add(folded)
  const { kind, path, version, claim, database, files, directories, skipped } = store
  if (!isString(kind) || !isPathOrRoot(path)) return `the store ${name} has no place`
  if (version !== null && !isSize(version)) return `the store ${name} has no version`
  if (!isClaim(claim) || !isListOf(skipped, isString)) return `the store ${name} does not say what is its own`
  if (database !== null && !isDatabase(database)) return `the database ${name} is described wrongly`
  if (!isListOf(directories, isDirectory)) return `the store ${name} has directories that are none`
  if (!Array.isArray(files) || files.length > mostFiles) return `the files of ${name} are no list`
  for (const file of files) {
    const wrong = checkFile(file, path, claim, database === null ? null : (database as unknown as BackedUpDatabase))
    if (wrong !== null) return `the store ${name} has a file that ${wrong}`
    const key = (file as BackedUpFile).path
    if (paths.has(key)) return `${shown(key)} stands twice`
    paths.add(key)
  }
  return null
}

function checkFile(file: unknown, path: string, claim: Claim, database: BackedUpDatabase | null): string | null {
  if (!isObject(file)) return 'is no object'
  if (!isPath(file['path'])) return 'lies nowhere in the root'
  const isOwn =
    database === null
      ? claim.base === '' || file['path'].startsWith(`${claim.base}/`)
      : file['path'] === path || (database.isRaw && database.sidecars.some((each) => file['path'] === path + each))
  if (!isOwn) return `lies outside of it: ${shown(file['path'])}`
  if (!isString(file['sha256']) || !/^[0-9a-f]{64}$/.test(file['sha256'])) return 'has no digest'
  if (!isSize(file['bytes']) || !isMode(file['mode'])) return 'has an impossible size or mode'
  if (!isString(file['mtimeNs']) || !/^-?\d{1,20}$/.test(file['mtimeNs'])) return 'has an impossible time'
  if (file['stored'] !== 'plain' && file['stored'] !== 'gzip') return 'is stored in an unknown way'
  return null
}

function isClaim(value: unknown): value is Claim {
  return (
    isObject(value) &&
    isPathOrRoot(value['base']) &&
    ['files', 'ignore', 'derived'].every((key) => isListOf(value[key], isString)) &&
    isListOf(value['others'], isPath) &&
    (value['marker'] === '' || isPath(value['marker']))
  )
}

function isDatabase(value: unknown): boolean {
  return (
    isObject(value) &&
    isString(value['journalMode']) &&
    /^[a-z]{1,10}$/.test(value['journalMode']) &&
    isStringOrNull(value['damage']) &&
    typeof value['isRaw'] === 'boolean' &&
    isListOf(value['sidecars'], (each) => isString(each) && /^-[a-z]{1,10}$/.test(each))
  )
}

function isDirectory(value: unknown): boolean {
  return isObject(value) && isPath(value['path']) && isMode(value['mode'])
}

function isDevice(path: string): boolean {
  return path.split('/').some((name) => devices.test(name))
}

function isPathOrRoot(path: unknown): path is string {
  return path === '' || isPath(path)
}

/** Relative, `/` between names, inside, and no name that moult, or some system, keeps for itself. */
function isPath(path: unknown): path is string {
  if (!isString(path) || path.length > 4096 || /[\0\\]|\p{Surrogate}/u.test(path) || /^[a-zA-Z]:/.test(path))
    return false
  return path.split('/').every((name) => name !== '' && name !== '.' && name !== '..' && !isReservedName(name))
}

function ancestorsOf(path: string): string[] {
  const names = path.split('/')
  return names.slice(1).map((_, index) => names.slice(0, index + 1).join('/'))
}

function shown(path: string): string {
  return JSON.stringify(path.length > 100 ? `${path.slice(0, 100)}…` : path)
}

function isSize(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isMode(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0o7777
}

function isString(value: unknown): value is string {
  return typeof value === 'string'
}

function isStringOrNull(value: unknown): boolean {
  return value === null || typeof value === 'string'
}

function isListOf(value: unknown, is: (each: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(is)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
