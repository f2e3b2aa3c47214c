const sqliteFile = /(sqlite|sqlcipher|libsql)[^/\\]*$|[/\\]@?libsql[/\\]/i
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
    const found = sharedObjects.filter((path) => sqliteFile.test(path) && !(isShared && systemLibrary.test(path)))
    return [...new Set(found)]
  } finally {
    if (excludeNetwork !== undefined) report.excludeNetwork = excludeNetwork
  }
}
