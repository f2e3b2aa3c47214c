import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { isMoultError } from '../index.js'
import type { State } from '../index.js'
import { CliFailure, firstLine } from './cli-failure.js'

const fileNames = ['ts', 'mts', 'js', 'mjs', 'cjs'].map((ending) => `moult.config.${ending}`)

/** The config that the arguments name, or the nearest one from `cwd` upward; null when there is none. */
export function findConfig(given: string | undefined, cwd: string): string | null {
  if (given !== undefined) return isFile(resolve(cwd, given)) ? resolve(cwd, given) : null
  for (let folder = resolve(cwd); ; folder = dirname(folder)) {
    const found = fileNames.map((name) => join(folder, name)).filter(isFile)
    if (found.length > 1)
      throw unreadable(
        found[0] ?? folder,
        `there are several beside each other: ${found.join(', ')}`,
        'Keep one, or choose with --config FILE.',
        undefined,
      )
    if (found[0] !== undefined) return found[0]
    if (dirname(folder) === folder) return null
  }
}

/** The state that a config gives. `dataDir` is handed to a config that is a function. Throws CONFIG_UNREADABLE. */
export async function loadConfig(path: string, dataDir: string | null): Promise<State> {
  let given: unknown
  try {
    given = defaultOf(await importConfig(path))
    if (typeof given === 'function') given = await (given as (dataDir?: string) => unknown)(dataDir ?? undefined)
  } catch (error) {
    const hint = isMoultError(error) ? error.hint : 'Mend the file; --verbose shows where the error comes from.'
    throw unreadable(path, whereIn(path, error) + firstLine(error), hint, error)
  }
  if (isState(given)) return given
  throw unreadable(
    path,
    'its default export is no state',
    'End it with `export default state`, where state is what defineState(…) gives, or with a function that returns that.',
    undefined,
  )
}

export function configMissing(given: string | undefined, cwd: string): CliFailure {
  if (given !== undefined)
    return new CliFailure('CONFIG_NOT_FOUND', `There is no config ${resolve(cwd, given)}.`, 'Check --config.', {
      path: resolve(cwd, given),
    })
  return new CliFailure(
    'CONFIG_NOT_FOUND',
    `There is no moult.config.{ts,mts,js,mjs,cjs} in ${cwd} or further up.`,
    'Start it in the project, or add --config FILE.',
    { path: cwd },
  )
}

async function importConfig(path: string): Promise<unknown> {
  if (!/\.[cm]?ts$/.test(path)) return import(pathToFileURL(path).href)
  const { createJiti } = await import('jiti')
  // JavaScript is left to the runtime, so that there is one copy of each package
  const options = { fsCache: false, tsconfigPaths: true, interopDefault: false, extensions: ['.ts', '.mts', '.cts'] }
  return createJiti(pathToFileURL(path).href, options).import(path)
}

/** The default export, also of TypeScript that was compiled to CommonJS. */
function defaultOf(module: unknown): unknown {
  const given = (module as { readonly default?: unknown }).default
  const isCompiled = typeof given === 'object' && given !== null && '__esModule' in given && 'default' in given
  return isCompiled ? given.default : given
}

/** By what it can do: it may come from another copy of moult. */
function isState(value: unknown): value is State {
  const { '~moult': brand, ...methods } = (value ?? {}) as Partial<State>
  return (
    brand === 1 &&
    typeof methods.in === 'function' &&
    typeof methods.status === 'function' &&
    typeof methods.upgrade === 'function'
  )
}

function isFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile()
}

/** What an error's message lacks. Of a file's syntax Node says the line only when it is asked to check the file. */
function whereIn(path: string, error: unknown): string {
  const said = error instanceof Error ? `${error.message}\n${error.stack ?? ''}` : ''
  const isSyntax = error instanceof SyntaxError && !said.includes(path)
  const text = isSyntax ? spawnSync(process.execPath, ['--check', path], { encoding: 'utf8' }).stderr : said
  const named = [path, pathToFileURL(path).href].map((name) => text.indexOf(`${name}:`) + name.length + 1)
  const line = named.map((at) => /^\d+/.exec(text.slice(at))?.[0]).find((found) => found !== undefined)
  if (line !== undefined) return `line ${line}: `
  return isSyntax ? 'in a file that it imports: ' : ''
}

function unreadable(path: string, what: string, hint: string, cause: unknown): CliFailure {
  return new CliFailure(
    'CONFIG_UNREADABLE',
    `The config ${path} cannot be used: ${what.trim().replace(/[.!?]$/, '')}.`,
    hint,
    { path, cause },
  )
}
