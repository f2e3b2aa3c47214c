import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { betterSqlite3 } from './better-sqlite3.js'
import type { BetterSqlite3 } from './better-sqlite3.js'
import type { Driver } from '../model/driver.js'
import { MoultFailure } from '../model/errors.js'

/**
 * Loads the better-sqlite3 that this app has: the one beside moult (a dependency of the app, or of whoever depends on
 * moult), else the one the main script or the working directory would get, for a moult that is linked or installed
 * globally.
 *
 * @throws MoultError DRIVER_MISSING when there is none, or none that this runtime can load.
 */
export function findBetterSqlite3(): Driver {
  let failure: { readonly path: string; readonly cause: unknown } | undefined
  for (const from of [import.meta.url, process.argv[1], join(process.cwd(), 'x')]) {
    if (from === undefined) continue
    const path = resolveFrom(from)
    if (path === null || path === failure?.path) continue
    try {
      return load(path)
    } catch (cause) {
      failure ??= { path, cause }
    }
  }
  throw missing(failure)
}

function resolveFrom(from: string): string | null {
  try {
    return dirname(createRequire(from).resolve('better-sqlite3/package.json'))
  } catch {
    return null
  }
}

function load(directory: string): Driver {
  const require = createRequire(join(directory, 'package.json'))
  const { version, engines } = require('./package.json') as { version: string; engines?: { node?: string } }
  // 13 is built for Node 22 and crashes the process on Node 20, where no error could be caught
  const oldest = /^>=\s*(\d+)/.exec(engines?.node ?? '')?.[1]
  if (oldest !== undefined && Number(process.versions.node.split('.')[0]) < Number(oldest))
    throw new Error(`better-sqlite3 ${version} needs Node ${oldest} or later`)
  const Database = require(directory) as BetterSqlite3
  const driver = betterSqlite3(Database)
  // The addon itself is only loaded when a database is opened
  driver.open(':memory:', { readOnly: false }).close()
  return driver
}

function missing(failure: { readonly path: string; readonly cause: unknown } | undefined): MoultFailure {
  if (failure === undefined)
    return new MoultFailure('DRIVER_MISSING', {
      message: `no SQLite library can be loaded: this runtime (${process.version}) has no node:sqlite, and better-sqlite3 is not installed`,
      hint: 'Run `npm install better-sqlite3@12`, or use Node 22.13 or later.',
      details: {},
    })
  return new MoultFailure('DRIVER_MISSING', {
    message: `better-sqlite3 is installed, but this runtime (${process.version}) cannot load it: ${inOneLine(failure.cause)}`,
    hint: 'Run `npm install better-sqlite3@12` (or `npm rebuild better-sqlite3`) with this version of Node, or use Node 22.13 or later.',
    details: { path: failure.path },
    cause: failure.cause,
  })
}

function inOneLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.replace(/\s+/g, ' ').slice(0, 200)
}
