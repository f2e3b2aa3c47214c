import type { Claim } from './claim.js'
import { isReservedName } from './reserved-name.js'
import type { Store, StoreSpec } from './store.js'

/**
 * A path of a definition as moult keeps it: relative, `/` between names, `''` for the root itself. Throws a TypeError
 * for whatever leaves the root.
 */
export function normalisePath(owner: string, path: unknown): string {
  if (typeof path !== 'string' || path === '') throw new TypeError(`${owner}: its path is missing`)
  if (path.includes('\0') || path.includes('\\') || /\p{Surrogate}/u.test(path))
    throw new TypeError(
      `${owner}: the path '${path}' has a character that paths here cannot have; names are separated by '/'`,
    )
  if (path.startsWith('/') || /^[a-zA-Z]:/.test(path))
    throw new TypeError(`${owner}: the path '${path}' must be relative to the state's root`)
  const names = path.split('/').filter((name) => name !== '' && name !== '.')
  if (names.includes('..')) throw new TypeError(`${owner}: the path '${path}' leaves the state's root`)
  const reserved = names.find(isReservedName)
  if (reserved !== undefined) throw new TypeError(`${owner}: '${reserved}' is moult's own`)
  return names.join('/')
}

/** Every file path a store owns by name, as opposed to by pattern. */
function ownedFiles({ extent, path }: StoreSpec): string[] {
  if (extent.is === 'directory') return [joinPath(path, extent.marker)]
  if (extent.is === 'file') return [path, joinPath(parentOf(path), extent.marker)]
  return ['', ...extent.sidecars].map((suffix) => path + suffix)
}

/**
 * Says for each store which files are its own: a file named by one store, and a directory inside another store's, are
 * taken out of what the other's patterns match. Throws a TypeError when two stores name the same file or directory.
 */
export function claimFiles(stores: readonly Store[]): ReadonlyMap<string, Claim> {
  const specs = stores.map((store) => store['~store'])
  const byPath = new Map<string, string>()
  for (const spec of specs) {
    for (const file of ownedFiles(spec)) {
      const other = byPath.get(file)
      if (other !== undefined) throw new TypeError(`the stores '${other}' and '${spec.name}' both claim '${file}'`)
      byPath.set(file, spec.name)
    }
  }
  for (const spec of specs) checkWay(spec, byPath)
  checkDirectories(specs)
  return new Map(specs.map((spec) => [spec.name, claimOf(spec, specs)]))
}

/** A file of one store can be neither another store's directory nor a directory on the way to it. */
function checkWay({ name, path, extent }: StoreSpec, owners: ReadonlyMap<string, string>): void {
  for (let way = extent.is === 'directory' ? path : parentOf(path); way !== ''; way = parentOf(way)) {
    const other = owners.get(way)
    if (other !== undefined)
      throw new TypeError(`the stores '${other}' and '${name}' both claim '${way}', one as a file, one as a directory`)
  }
}

function claimOf(spec: StoreSpec, specs: readonly StoreSpec[]): Claim {
  const { extent, path } = spec
  if (extent.is === 'directory') {
    const others = specs
      .filter((other) => other !== spec)
      .flatMap((other) => [...ownedFiles(other), ...ownedDirectory(other, path)])
    return {
      base: path,
      files: extent.files,
      ignore: extent.ignore,
      derived: extent.derived,
      marker: extent.marker,
      others: others.flatMap((each) => relativeTo(path, each)),
    }
  }
  const marker = extent.is === 'file' ? extent.marker : ''
  return { base: parentOf(path), files: [escapeGlob(nameOf(path))], ignore: [], derived: [], others: [], marker }
}

/** A directory below ours belongs to the other store whole, unless both look at the same directory by patterns. */
function ownedDirectory(other: StoreSpec, ours: string): string[] {
  return other.extent.is === 'directory' && other.path !== ours && isBelow(ours, other.path) ? [other.path] : []
}

function checkDirectories(specs: readonly StoreSpec[]): void {
  const seen = new Map<string, StoreSpec>()
  for (const spec of specs) {
    if (spec.extent.is !== 'directory') continue
    for (const pattern of spec.extent.files) {
      const key = `${spec.path}\0${pattern}`
      const other = seen.get(key)
      if (other)
        throw new TypeError(
          `the stores '${other.name}' and '${spec.name}' both claim '${pattern}' in '${spec.path === '' ? '.' : spec.path}'`,
        )
      seen.set(key, spec)
    }
  }
}

function isBelow(directory: string, path: string): boolean {
  return directory === '' || path.startsWith(`${directory}/`)
}

function relativeTo(directory: string, path: string): string[] {
  if (!isBelow(directory, path)) return []
  return [directory === '' ? path : path.slice(directory.length + 1)]
}

export function joinPath(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`
}

function parentOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : ''
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

function escapeGlob(name: string): string {
  return name.replace(/[\\*?[\]{}()!+@|]/g, '\\$&')
}
