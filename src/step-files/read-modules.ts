import type { StepPart } from './read-folder.js'
import { readStepName } from './step-name.js'

/** The steps in a record of modules, as bundlers make it; keys may be paths. A value is a module, or SQL text. */
export function readModules(modules: Readonly<Record<string, unknown>>): readonly StepPart[] {
  return Object.entries(modules).map(([key, value]) => {
    const file = key.slice(Math.max(key.lastIndexOf('/'), key.lastIndexOf('\\')) + 1)
    const name = readStepName('stepsFrom', file)
    return { where: key, name, load: () => contentOf(key, value) }
  })
}

function contentOf(key: string, value: unknown): ReturnType<StepPart['load']> {
  if (typeof value === 'string') return { text: value }
  if (typeof value !== 'object' || value === null || typeof (value as { then?: unknown }).then === 'function') {
    throw new TypeError(
      `stepsFrom: '${key}' is neither a module nor SQL text; pass what the import gives, not a promise of it (import.meta.glob: eager)`,
    )
  }
  const given = (value as { default?: unknown }).default
  return typeof given === 'string' ? { text: given } : { module: value, source: null }
}
