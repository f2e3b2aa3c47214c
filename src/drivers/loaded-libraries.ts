import { readSmallFile } from './read-small-file.js'

const library = /sqlite|sqlcipher|libsql/i
const systemLibrary = /libsqlite3\.[^/\\]*$/i

/**
 * Paths of the SQLite libraries that are loaded in this process beside the runtime's own. Two copies of one addon are
 * two libraries.
 */
export function loadedSqliteLibraries(): string[] {
  // A Node built against the system's SQLite has node:sqlite in there
  const isShared = (process.config.variables as { node_shared_sqlite?: boolean }).node_shared_sqlite === true
  const found = loadedLibraries().filter((path) => isSqliteLibrary(path) && !(isShared && systemLibrary.test(path)))
  return [...new Set(found)]
}

function loadedLibraries(): readonly string[] {
  if (process.platform === 'linux') {
    try {
      // `7f0c-7f0d r-xp 00001000 fe:00 2154789    /app/node_modules/…/better_sqlite3.node`
      return [...readSmallFile('/proc/self/maps').matchAll(/^\S+ \S+ \S+ \S+ \d+ +(\/.+?)(?: \(deleted\))?$/gm)].map(
        ([, path]) => path!,
      )
    } catch {
      // As elsewhere
    }
  }
  return reportedLibraries()
}

/** 20 ms; Node has no other way to list what is loaded. */
function reportedLibraries(): readonly string[] {
  const report = process.report as (typeof process.report & { excludeNetwork?: boolean }) | undefined
  if (typeof report?.getReport !== 'function') return []
  const excludeNetwork = report.excludeNetwork
  // Looking up the names of network peers can take seconds
  if (excludeNetwork !== undefined) report.excludeNetwork = true
  try {
    return (report.getReport() as { sharedObjects?: readonly string[] }).sharedObjects ?? []
  } finally {
    if (excludeNetwork !== undefined) report.excludeNetwork = excludeNetwork
  }
}

/**
 * An addon is told by the package it is in: better-sqlite3 13's is named `linux-x64.node`. A plain shared library only
 * by its own name: what lies in a package like sqlite-vec is an extension that uses the library it is loaded into.
 */
export function isSqliteLibrary(path: string): boolean {
  const inPackage = path
    .split(/[/\\]node_modules[/\\]/)
    .slice(1)
    .at(-1)
  const fileName = path.split(/[/\\]/).at(-1)!
  return library.test(path.endsWith('.node') ? (inPackage ?? fileName) : fileName)
}
