import type { State } from '../index.js'
import { placeState, resolveDataDir } from './data-dir.js'
import { execute } from './execute.js'

export interface RunCliOptions {
  /** What people type to get here, for help and hints: `clankers migrate`. Default `moult`. */
  readonly name?: string
  /** The command when none is named. Default: none, which is a usage error. */
  readonly defaultCommand?: 'upgrade' | 'status'
  /** Default `process.stdout`. */
  readonly stdout?: NodeJS.WritableStream
  /** Default `process.stderr`. */
  readonly stderr?: NodeJS.WritableStream
  /** Interrupts: a run is put back, anything else ends at once. */
  readonly signal?: AbortSignal
}

/**
 * moult's commands inside an app's own CLI. `args` is what stands behind the app's word: `['status', '--json']`. Returns
 * the exit code (0 done, 2 usage, 3 pending, 4 refused, 5 locked, 6 damaged or unfinished, 7 failed and put back, 130
 * interrupted, 1 anything else) and prints; it never throws, never exits and listens to no signal of the process.
 */
export async function runCli(state: State, args: readonly string[], options: RunCliOptions = {}): Promise<number> {
  return execute({
    args,
    syntax: { name: options.name ?? 'moult', defaultCommand: options.defaultCommand ?? null, own: null },
    loadState: async ({ dataDir }) =>
      placeState(state, dataDir === undefined ? null : resolveDataDir(dataDir, process.cwd())),
    stdout: options.stdout ?? process.stdout,
    stderr: options.stderr ?? process.stderr,
    signal: options.signal ?? new AbortController().signal,
  })
}
