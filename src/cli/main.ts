import { createRequire } from 'node:module'
import { configMissing, findConfig, loadConfig } from './config.js'
import { placeState, resolveDataDir } from './data-dir.js'
import { execute } from './execute.js'
import { findProjectCopy } from './hand-over.js'
import type { Main, MainOptions } from './main-options.js'

/** The `moult` command: finds the config, lets the project's own copy of moult go on, runs the command. */
export async function main(args: readonly string[], options: MainOptions): Promise<number> {
  const { cwd, stdout, stderr, signal } = options
  const copy = options.isHandedOver === true ? null : await projectCopy(args, cwd)
  if (copy) return copy(args, { ...options, isHandedOver: true })
  return execute({
    args,
    syntax: { name: 'moult', defaultCommand: null, own: { version: ownVersion() } },
    loadState: async (globals) => {
      const config = findConfig(globals.config, cwd)
      if (config === null) throw configMissing(globals.config, cwd)
      const dataDir = globals.dataDir === undefined ? null : resolveDataDir(globals.dataDir, cwd)
      return placeState(await loadConfig(config, dataDir), dataDir)
    },
    stdout,
    stderr,
    signal,
  })
}

async function projectCopy(args: readonly string[], cwd: string): Promise<Main | null> {
  try {
    const config = findConfig(configIn(args), cwd)
    return config === null ? null : await findProjectCopy(config)
  } catch {
    // Whatever is wrong with the config is said when it is loaded
    return null
  }
}

/** `--config` before the arguments are read: the project's copy may know commands that this one does not. */
function configIn(args: readonly string[]): string | undefined {
  const at = args.findLastIndex((arg) => arg === '--config' || arg.startsWith('--config='))
  const arg = args[at]
  return arg === '--config' ? args[at + 1] : arg?.slice('--config='.length)
}

function ownVersion(): string {
  const { version } = createRequire(import.meta.url)('moult/package.json') as { readonly version: string }
  return version
}
