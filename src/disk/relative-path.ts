import { isReservedName } from '../model/reserved-name.js'

export { isReservedName }

/**
 * Whether a path is relative, with single `/`, and stays where it starts: no `..`, no NUL, nothing absolute, and no half
 * of a surrogate pair, which the file system would get as another character.
 */
export function isPlainPath(path: string): boolean {
  if (path === '' || path.includes('\0') || /\p{Surrogate}/u.test(path)) return false
  if (process.platform === 'win32' && /[\\:]/.test(path)) return false
  return path.split('/').every((name) => name !== '' && name !== '.' && name !== '..')
}

/** Joins two relative paths of which either may be ''. */
export function joinPath(a: string, b: string): string {
  return a === '' ? b : b === '' ? a : `${a}/${b}`
}

/** The directory a relative path stands in; '' at the top. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/')
  return slash === -1 ? '' : path.slice(0, slash)
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** The directories above a path, innermost first, without ''. */
export function* ancestorsOf(path: string): Generator<string> {
  for (let parent = parentOf(path); parent !== ''; parent = parentOf(parent)) yield parent
}

/** An order that does not depend on locale: by UTF-16 code units. */
export function comparePaths(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Whether a path, relative to a root, can be a staging folder's: `.moult/…`, or a path whose last name alone is one of those that a staging folder has. */
export function isStagingPath(path: unknown): path is string {
  if (typeof path !== 'string' || !isPlainPath(path)) return false
  const names = path.split('/')
  if (names[0] === '.moult') return names.length > 1 && !names.slice(1).some(isReservedName)
  const last = names.at(-1) ?? ''
  return !names.slice(0, -1).some(isReservedName) && (last === '.moult-run' || /^\..*\.moult-run$/s.test(last))
}
