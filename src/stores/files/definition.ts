import { isReservedName } from '../../disk/relative-path.js'

/** Patterns as a claim has them: relative to the store's directory. Throws a TypeError for what could match nothing. */
export function checkPatterns(owner: string, option: string, given: unknown): readonly string[] {
  const list: readonly unknown[] = typeof given === 'string' ? [given] : Array.isArray(given) ? given : []
  if (list.length === 0 && !Array.isArray(given)) throw new TypeError(`${owner}: '${option}' takes patterns`)
  return Object.freeze(list.map((pattern) => checkPattern(owner, option, pattern)))
}

function checkPattern(owner: string, option: string, given: unknown): string {
  const wrong = (why: string): TypeError =>
    new TypeError(`${owner}: the pattern '${String(given)}' in '${option}' ${why}`)
  if (typeof given !== 'string' || given === '')
    throw new TypeError(`${owner}: '${option}' takes patterns, which are texts`)
  if (given.startsWith('!'))
    throw wrong("begins with '!', which has no meaning here; say what is not the store's in 'ignore'")
  if (given.startsWith('/') || given.split('/').includes('..')) throw wrong("must stay below the store's directory")
  if (given.includes('\0')) throw wrong('has a character that paths cannot have')
  const pattern = given.replace(/^(?:\.\/+)+/, '').replace(option === 'files' ? /^$/ : /\/+$/, '')
  if (pattern === '' || pattern === '.') throw wrong('names nothing')
  if (pattern.endsWith('/')) throw wrong(`names a directory; write '${pattern}**'`)
  return pattern
}

/** Whether a pattern is the name of one file. */
function isLiteral(pattern: string): boolean {
  return !/[*?[\]{}()!+@\\|]/.test(pattern)
}

/**
 * The marker's file name. By default `.schema-version` in the store's own directory, and `.<store>.schema-version` where
 * the directory may be others' too: at the root, and where the store is made of files named one by one.
 */
export function markerName(
  owner: string,
  given: unknown,
  store: { readonly name: string; readonly path: string; readonly files: readonly string[] },
): string {
  if (given === undefined)
    return store.path === '' || store.files.every(isLiteral) ? `.${store.name}.schema-version` : '.schema-version'
  if (typeof given !== 'string' || given === '' || given === '.' || given === '..' || /[/\\\0]/.test(given)) {
    throw new TypeError(
      `${owner}: the marker ${JSON.stringify(given)} must be the name of a file in the store's directory`,
    )
  }
  if (/\.json$/i.test(given))
    throw new TypeError(`${owner}: the marker '${given}' must not end in .json: apps read all such files as records`)
  if (isReservedName(given)) throw new TypeError(`${owner}: the marker '${given}' is one of moult's own names`)
  return given
}
