import { dirname } from 'node:path'
import { systemCode } from '../model/errors.js'
import { disk } from './disk.js'
import { syncDirectory } from './sync-directory.js'

/**
 * Makes a directory and its missing parents, durably: the parent of each new one is fsynced. `mode` is that of each
 * new directory, by default what the umask makes of 0777. An existing directory is left as it is. Returns the new
 * ones, outermost first.
 */
export function makeDirectory(path: string, options: { readonly mode?: number } = {}): string[] {
  const made = makeMissing(path, options.mode)
  for (const directory of made) syncDirectory(dirname(directory))
  return made
}

function makeMissing(path: string, mode: number | undefined): string[] {
  try {
    disk.mkdir(path, mode)
    return [path]
  } catch (error) {
    switch (systemCode(error)) {
      case 'ENOENT': {
        if (dirname(path) === path) throw error
        const parents = makeMissing(dirname(path), mode)
        return [...parents, ...makeMissing(path, mode)]
      }
      case 'EEXIST':
        if (disk.stat(path).isDirectory()) return []
        throw error
      default:
        throw error
    }
  }
}
