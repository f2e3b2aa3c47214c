// Makes this checkout ready to run: installs and builds what is missing, and does nothing when nothing is.
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findOrphans, findStaleMemories } from './outputs.mjs'
import { root } from './root.mjs'

const readLock = (path) => JSON.parse(readFileSync(path, 'utf8')).packages

/** Whether node_modules holds what package-lock.json asks for; npm notes what it installed when it has finished. */
function isInstalled(folder) {
  const installed = join(folder, 'node_modules/.package-lock.json')
  if (!existsSync(installed)) return false
  const has = readLock(installed)
  return Object.entries(readLock(join(folder, 'package-lock.json'))).every(
    ([path, { version, integrity, optional }]) =>
      path === '' || (has[path]?.version === version && has[path]?.integrity === integrity) || (optional && !has[path]),
  )
}

/** Whether the SQLite library of Node 20 was compiled, and for this Node. */
function isSqliteUsable() {
  try {
    const Database = createRequire(join(root, 'package.json'))('better-sqlite3')
    new Database(':memory:').close()
    return true
  } catch {
    return false
  }
}

function run(command, args, folder = root) {
  const { status, error } = spawnSync(command, args, { cwd: folder, stdio: ['ignore', 2, 2] })
  if (error) throw error
  if (status !== 0) process.exit(status ?? 1)
}

/** Installs a folder's locked dependencies if they are not there. Needs the npm registry then. */
export function install(folder, ...options) {
  if (isInstalled(folder)) return
  console.error(
    `Installing dependencies in ${folder}${folder === root ? ' (better-sqlite3 is compiled: a minute or two)' : ''}`,
  )
  run('npm', ['ci', '--no-audit', '--no-fund', ...options], folder)
}

function describe(folder, manifest) {
  const path = join(root, folder, 'package.json')
  const text = `${JSON.stringify(manifest)}\n`
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return
  mkdirSync(join(root, folder), { recursive: true })
  writeFileSync(path, text)
}

/**
 * What is compiled is a package of the same name: there `import 'moult'` means the modules, which tests take apart. But
 * benchmarks measure what is published.
 */
function describeBuild() {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const exports = { '.': './src/index.js', './cli': './src/cli/index.js', './package.json': './package.json' }
  describe('build', { name: 'moult', version, type: 'module', exports, imports: { '#moult/*': './src/*' } })
  describe('build/bench', { type: 'module' })
  describe('build/bench/node_modules/moult', { type: 'module', exports: './dist/index.js' })
  const published = join(root, 'build/bench/node_modules/moult/dist')
  if (!existsSync(published)) symlinkSync(join(root, 'dist'), published)
}

async function build() {
  for (const path of [...findOrphans(), ...findStaleMemories()]) rmSync(path, { force: true })
  const tsc = createRequire(join(root, 'package.json')).resolve('typescript/package.json')
  describeBuild()
  run(process.execPath, [join(tsc, '../bin/tsc'), '-b', root])
  const { bundle } = await import('./bundle.mjs')
  await bundle()
}

/** What every npm script starts with. */
export async function prepare({ isBuilt = true, hasTools = false } = {}) {
  install(root)
  if (hasTools) install(join(root, 'tools/typescript5'))
  const hasOwnSqlite = process.getBuiltinModule?.('node:sqlite') !== undefined
  if (!hasOwnSqlite && !isSqliteUsable()) run('npm', ['rebuild', 'better-sqlite3'])
  if (isBuilt) await build()
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await prepare({ isBuilt: !process.argv.includes('--no-build'), hasTools: process.argv.includes('--tools') })
}
