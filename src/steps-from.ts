import type { LoadedStep, LoadedSteps } from './model/loaded-steps.js'
import { checkSql } from './step-files/check-sql.js'
import { readFolder } from './step-files/read-folder.js'
import type { StepPart } from './step-files/read-folder.js'
import { readModules } from './step-files/read-modules.js'

/**
 * The steps in a folder, for `.steps(…)` of a store: `0001_create.sql`, with an optional `0001_create.down.sql`, or
 * `0002_split.ts` (`.mts .cts .js .mjs .cjs`), a module that has a step's options as its exports or as its default
 * export. A step is called like its file without the ending, so a build may compile it. Numbers follow one another; the
 * first need not be 1 where earlier steps were squashed. Folders in it, dotfiles, `.d.ts` and `.map` are passed over.
 *
 * Checksums are made from the text of SQL and TypeScript files; of JavaScript, which may be compiled, from the source in
 * its source map. JavaScript without one has a checksum only if it exports one: `export const checksum = '1'`.
 * Loads synchronously: neither the modules nor what they import may use top-level await.
 *
 * Throws a TypeError for names that cannot be meant: a number twice or missing, an unknown ending, no step at all. Throws
 * CONFIG_UNREADABLE, naming file and line, for what cannot be read or loaded, and for SQL that would end moult's
 * transaction.
 */
export function stepsFrom(folder: URL): LoadedSteps
/**
 * The same from modules that a bundler has collected: `{ './steps/0001_create.sql': text, '0002_split': module }`. Keys
 * are names or paths, values are modules or SQL text. A module has a checksum only if it says one.
 */
export function stepsFrom(modules: Readonly<Record<string, unknown>>): LoadedSteps
export function stepsFrom(from: URL | Readonly<Record<string, unknown>>): LoadedSteps {
  if (typeof from !== 'object' || from === null || Array.isArray(from)) {
    throw new TypeError("stepsFrom takes a folder, new URL('./steps/', import.meta.url), or a record of modules")
  }
  const isUrl = Object.prototype.toString.call(from) === '[object URL]'
  const owner = isUrl ? `stepsFrom('${(from as URL).pathname}')` : 'stepsFrom'
  const parts = isUrl ? readFolder(from as URL) : readModules(from as Readonly<Record<string, unknown>>)
  const steps = orderParts(owner, parts).map(({ up, down }) =>
    Object.freeze({ name: up.name.stem, options: Object.freeze(loadStep(up, down)) }),
  )
  return Object.freeze({
    '~moult': 1,
    names: Object.freeze(steps.map(({ name }) => name)),
    steps: Object.freeze(steps),
  })
}

interface OrderedPart {
  readonly up: StepPart
  readonly down: StepPart | null
}

/** Each step with its way back, by number. Nothing is loaded before all names are right. */
function orderParts(owner: string, parts: readonly StepPart[]): readonly OrderedPart[] {
  const ups = parts.filter(({ name }) => !name.isDown).sort((a, b) => a.name.number - b.name.number)
  const downs = parts.filter(({ name }) => name.isDown)
  if (ups.length === 0) throw new TypeError(`${owner}: there is no step in it, such as 0001_create.sql`)
  ups.forEach(({ where, name }, index) => {
    const before = ups[index - 1]
    if (name.number === 0) throw new TypeError(`${owner}: ${where}: steps are counted from 1`)
    if (before === undefined || name.number === before.name.number + 1) return
    if (name.number === before.name.number)
      throw new TypeError(`${owner}: the number ${name.number} stands twice: ${before.where}, ${where}`)
    throw new TypeError(
      `${owner}: between ${before.name.stem} and ${name.stem} the number ${before.name.number + 1} is missing`,
    )
  })
  const stray = downs.find((down) => !ups.some(({ name }) => name.stem === down.name.stem))
  if (stray) throw new TypeError(`${owner}: ${stray.where} belongs to no step: there is no ${stray.name.stem}`)
  return ups.map((up) => ({ up, down: downs.find(({ name }) => name.stem === up.name.stem) ?? null }))
}

function loadStep(up: StepPart, down: StepPart | null): LoadedStep['options'] {
  const content = up.load()
  const options =
    'text' in content
      ? { up: checkSql(up.where, up.name.stem, content.text) }
      : moduleOptions(up, content.module, content.source)
  if (down === null) return options
  const way = down.load()
  if (!('text' in way)) throw new TypeError(`${down.where}: the way back is SQL text`)
  if ('down' in options)
    throw new TypeError(`${up.where} has 'down' itself, and so there is no place for ${down.where}`)
  return { ...options, down: checkSql(down.where, down.name.stem, way.text) }
}

/** A step's options from a module: its default export, or its named ones. The store that takes them checks them. */
function moduleOptions({ where, name }: StepPart, module: unknown, source: string | null): Record<string, unknown> {
  const exported = Object.entries(Object(module) as object).filter(
    ([key]) => !['__esModule', 'module.exports'].includes(key),
  )
  const named = Object.fromEntries(exported.filter(([key]) => key !== 'default'))
  const given: unknown = exported.find(([key]) => key === 'default')?.[1]
  // A CommonJS module seen as an ES module has its exports twice
  if (
    given !== undefined &&
    Object.entries(named).some(([key, value]) => (given as Record<string, unknown> | null)?.[key] !== value)
  ) {
    throw new TypeError(`${where}: the step stands both in its default export and in named ones; keep one`)
  }
  const options: Record<string, unknown> = given === undefined ? named : { ...(given as object) }
  if (!('up' in options))
    throw new TypeError(`${where}: exports no 'up': export const up = …, or export default { up }`)
  for (const key of ['up', 'down'] as const) {
    const text = options[key]
    if (typeof text === 'string' && text !== 'impossible') options[key] = checkSql(where, name.stem, text)
  }
  return source === null ? options : { checksum: source, ...options }
}
