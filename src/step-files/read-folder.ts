import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { disk } from '../disk/disk.js'
import { readText } from '../disk/read-file.js'
import { MoultFailure } from '../model/errors.js'
import { loadModule } from './load-module.js'
import { isIgnored, readStepName } from './step-name.js'
import type { StepName } from './step-name.js'
import { readStepSource } from './step-source.js'

/** One file or module of steps, as it was found. */
export interface StepPart {
  /** Its path, or its key in the record of modules; for messages. */
  readonly where: string
  readonly name: StepName
  /** SQL text, or a module. */
  load(): { readonly text: string } | { readonly module: unknown; readonly source: string | null }
}

/** The step files of a folder, in no order. Folders in it are not looked into. */
export function readFolder(url: URL): readonly StepPart[] {
  if (url.protocol !== 'file:') throw new TypeError(`stepsFrom('${url.href}'): the folder's URL begins with file:`)
  const folder = fileURLToPath(url)
  return attempt(
    folder,
    'In a bundle there is no such folder: pass the modules themselves, stepsFrom({ …modules }).',
    () => disk.readdir(folder),
  )
    .filter((entry) => !entry.isDirectory() && !isIgnored(entry.name))
    .map((entry) => partOf(folder, entry.name))
}

function partOf(folder: string, file: string): StepPart {
  const path = join(folder, file)
  const name = readStepName(folder, file)
  if (name.ending === '') throw new TypeError(`${path}: a step file ends with .sql, .ts, .mts, .cts, .js, .mjs or .cjs`)
  return {
    where: path,
    name,
    load: () => {
      // A package manager or a build may link its files
      const text = attempt(path, 'Step files are plain UTF-8 text.', () => readText(disk.realpath(path)))
      return name.ending === 'sql' ? { text } : { module: loadModule(path), source: readStepSource(path, text) }
    },
  }
}

function attempt<T>(path: string, hint: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    throw new MoultFailure('CONFIG_UNREADABLE', {
      message: `The steps in ${path} cannot be read: ${text}`,
      hint,
      details: { path },
      cause: error,
    })
  }
}
