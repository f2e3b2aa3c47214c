import type { createJiti as CreateJiti } from 'jiti'
import { createRequire } from 'node:module'
import { extname } from 'node:path'
import { MoultFailure, systemCode } from '../model/errors.js'

const typeScript = ['.ts', '.mts', '.cts']

/**
 * Loads a step module synchronously: JavaScript in the runtime's own way; TypeScript by jiti, so that it means the same
 * under every runtime, but what it imports from packages again in the runtime's own way: one copy of each.
 *
 * Throws CONFIG_UNREADABLE for whatever goes wrong, the module's own errors included.
 */
export function loadModule(path: string): unknown {
  try {
    return typeScript.includes(extname(path)) ? requireTypeScript(path) : createRequire(path)(path)
  } catch (error) {
    const text = error instanceof Error ? error.message.split('\n', 1)[0] : String(error)
    throw new MoultFailure('CONFIG_UNREADABLE', {
      message: `The step file ${path} cannot be loaded: ${text}`,
      hint: hintFor(error),
      details: { path },
      cause: error,
    })
  }
}

function requireTypeScript(path: string): unknown {
  const { createJiti } = createRequire(import.meta.url)('jiti') as { readonly createJiti: typeof CreateJiti }
  return createJiti(path, { fsCache: false, tsconfigPaths: true, interopDefault: false, extensions: typeScript })(path)
}

function hintFor(error: unknown): string {
  switch (systemCode(error)) {
    case 'ERR_REQUIRE_ASYNC_MODULE':
      return 'Step files are loaded without waiting. Take the top-level await out of the file and of what it imports, or import the modules yourself: stepsFrom({ …modules }).'
    case 'ERR_REQUIRE_CYCLE_MODULE':
      return 'A step file must not import the module that calls stepsFrom(). Put what both need into a third one.'
    default:
      return 'Mend the file. A step file must not import the module that calls stepsFrom().'
  }
}
