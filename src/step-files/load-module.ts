import type { createJiti as CreateJiti } from 'jiti'
import { createRequire } from 'node:module'
import { MoultFailure, systemCode } from '../model/errors.js'

/**
 * Loads a step module synchronously, in this runtime's own way if it has one. TypeScript that the runtime does not
 * understand is loaded by jiti, which leaves packages to the runtime: one copy of each.
 *
 * Throws CONFIG_UNREADABLE for whatever goes wrong, the module's own errors included.
 */
export function loadModule(path: string): unknown {
  const isTypeScript = /\.[cm]?ts$/.test(path)
  try {
    return requireModule(path, isTypeScript)
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

function requireModule(path: string, isTypeScript: boolean): unknown {
  try {
    return createRequire(path)(path) as unknown
  } catch (error) {
    if (!isTypeScript || !isNotUnderstood(error)) throw error
  }
  const { createJiti } = createRequire(import.meta.url)('jiti') as { readonly createJiti: typeof CreateJiti }
  return createJiti(path, { fsCache: false, tsconfigPaths: true, interopDefault: false, tryNative: true })(
    path,
  ) as unknown
}

/** TypeScript's syntax, endings and path aliases; not an error of the module itself, which must not run twice. */
function isNotUnderstood(error: unknown): boolean {
  if (error instanceof SyntaxError || (error as Partial<Error> | null)?.name === 'SyntaxError') return true
  return /^(ERR_)?(MODULE_NOT_FOUND|UNKNOWN_FILE_EXTENSION|UNSUPPORTED_TYPESCRIPT_SYNTAX|UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING|PACKAGE_PATH_NOT_EXPORTED|REQUIRE_ESM)$/.test(
    systemCode(error),
  )
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
