import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { State } from '../index.js'
import { CliFailure, firstLine } from './cli-failure.js'

/** The absolute path that `--data-dir` means. Throws DATA_DIR_MISSING: a mistyped directory is never made. */
export function resolveDataDir(given: string, cwd: string): string {
  const path = resolve(cwd, given)
  try {
    if (given !== '' && statSync(path).isDirectory()) return path
  } catch (error) {
    const isGone = (error as NodeJS.ErrnoException).code === 'ENOENT'
    throw missing(path, isGone ? 'does not exist' : `cannot be looked at: ${firstLine(error)}`, error)
  }
  throw missing(path, 'is no directory', undefined)
}

function missing(path: string, what: string, cause: unknown): CliFailure {
  return new CliFailure(
    'DATA_DIR_MISSING',
    `The data directory ${path} ${what}.`,
    'Check --data-dir. For a first state, make the directory and start again.',
    { path, cause },
  )
}

/** The state in the directory it was told, if it was. Throws USAGE when nobody says where it is. */
export function placeState(state: State, dataDir: string | null): State {
  if (dataDir !== null) return state.in(dataDir)
  if (state.root !== null) return state
  throw new CliFailure(
    'USAGE',
    'Nobody says where the state is.',
    'Add --data-dir DIR, or let the config say it: state.in(…).',
  )
}
