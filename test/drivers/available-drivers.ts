import { createRequire } from 'node:module'
import { join } from 'node:path'
import { betterSqlite3 } from '#moult/drivers/better-sqlite3.js'
import type { BetterSqlite3 } from '#moult/drivers/better-sqlite3.js'
import type { Driver } from '#moult/drivers/driver.js'
import { hasNodeSqlite, nodeSqlite } from '#moult/drivers/node-sqlite.js'

interface Candidate {
  readonly name: string
  readonly driver: Driver | null
  /** Why it isn't tested here, or false. */
  readonly skip: string | false
}

/** Both drivers, each with the reason if this runtime doesn't have it: so that a test says what it skipped. */
export function availableDrivers(): Candidate[] {
  const better = loadBetterSqlite3()
  return [
    {
      name: 'better-sqlite3',
      driver: typeof better === 'string' ? null : betterSqlite3(better),
      skip: typeof better === 'string' && `better-sqlite3 cannot be loaded by ${process.version}: ${better}`,
    },
    {
      name: 'node:sqlite',
      driver: hasNodeSqlite() ? nodeSqlite() : null,
      skip: !hasNodeSqlite() && `${process.version} has no node:sqlite; scripts/test-node24.mjs runs this on Node 24`,
    },
  ]
}

/** Its class, or why there is none: the root's is built for Node 20, that of tools/node24 for Node 24. */
export function loadBetterSqlite3(): BetterSqlite3 | string {
  const folder = Number(process.versions.node.split('.')[0]) >= 22 ? join('tools', 'node24') : '.'
  try {
    const Database = createRequire(join(process.cwd(), folder, 'x'))('better-sqlite3') as BetterSqlite3
    betterSqlite3(Database).open(':memory:', { readOnly: false }).close()
    return Database
  } catch (error) {
    return (error instanceof Error ? error.message : String(error)).split('\n')[0]!
  }
}
