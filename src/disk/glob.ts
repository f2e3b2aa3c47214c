import picomatch from 'picomatch'

// A name may hold a line feed, which `.` of a regular expression does not match without the flag `s`.
const options: picomatch.PicomatchOptions = {
  dot: true,
  nonegate: true,
  windows: false,
  strictSlashes: false,
  flags: 's',
}

/**
 * Whether a path, relative and with `/`, matches any of the patterns. `*` and `**` match names with a leading dot too:
 * what a store claims includes its hidden files. `!` has no meaning. No patterns match nothing.
 */
export function globMatcher(patterns: string | readonly string[]): (path: string) => boolean {
  const list = typeof patterns === 'string' ? [patterns] : patterns
  if (list.length === 0) return () => false
  if (list.includes('**')) return () => true
  const literals = new Set(list.filter(isLiteral))
  const globs = list.filter((pattern) => !isLiteral(pattern)).map((pattern) => picomatch(pattern, options))
  return (path) => literals.has(path) || globs.some((matches) => matches(path))
}

/** Whether a directory can hold files, at any depth, that match one of the patterns. May say yes too often. */
export function globReaches(patterns: readonly string[]): (directory: string) => boolean {
  const reaches = patterns.map(patternReaches)
  return (directory) => directory === '' || reaches.some((reach) => reach(directory))
}

function patternReaches(pattern: string): (directory: string) => boolean {
  const base = isLiteral(pattern) ? pattern : picomatch.scan(pattern).base
  const isDeep = pattern.includes('**') || /[({]/.test(pattern)
  const depth = pattern.split('/').length
  return (directory) => {
    const isOnTheWay = base.startsWith(`${directory}/`)
    const isBelow = base === '' || base === '.' || directory === base || directory.startsWith(`${base}/`)
    return isOnTheWay || (isBelow && (isDeep || directory.split('/').length < depth))
  }
}

function isLiteral(pattern: string): boolean {
  return !/[*?[\]{}()!+@\\|]/.test(pattern)
}
