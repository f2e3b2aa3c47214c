import { realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import type { Main } from './main-options.js'

/**
 * The command line of the copy of moult that the project of this config uses, when it is another one than this: the
 * state is upgraded by the version that the app itself runs with. Null when it is this copy, or there is none.
 */
export async function findProjectCopy(config: string): Promise<Main | null> {
  let path: string
  try {
    path = realpathSync(createRequire(config).resolve('moult/cli'))
  } catch {
    return null
  }
  if (path === realpathSync(createRequire(import.meta.url).resolve('moult/cli'))) return null
  const copy = (await import(pathToFileURL(path).href)) as { readonly main?: unknown }
  return typeof copy.main === 'function' ? (copy.main as Main) : null
}
