const library = /sqlite|sqlcipher|libsql/i
const systemLibrary = /libsqlite3\.[^/\\]*$/i

/**
 * Paths of the SQLite libraries that are loaded in this process beside the runtime's own. Two copies of one addon are
 * two libraries. 3 ms: Node has no other way to list what is loaded than its diagnostic report.
 */
export function loadedSqliteLibraries(): string[] {
  const report = process.report as (typeof process.report & { excludeNetwork?: boolean }) | undefined
  if (typeof report?.getReport !== 'function') return []
  const excludeNetwork = report.excludeNetwork
  // Looking up the names of network peers can take seconds
  if (excludeNetwork !== undefined) report.excludeNetwork = true
  try {
    const { sharedObjects = [] } = report.getReport() as { sharedObjects?: readonly string[] }
    // A Node built against the system's SQLite has node:sqlite in there
    const isShared = (process.config.variables as { node_shared_sqlite?: boolean }).node_shared_sqlite === true
    const found = sharedObjects.filter((path) => isSqliteLibrary(path) && !(isShared && systemLibrary.test(path)))
    return [...new Set(found)]
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
