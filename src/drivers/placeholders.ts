const quotes: Readonly<Record<string, string>> = { "'": "'", '"': '"', '`': '`', '[': ']' }
const wordStart = /[A-Za-z_\u0080-\uffff]/
const wordPart = /[A-Za-z0-9_$\u0080-\uffff]/

/**
 * How many `?` stand in `sql`, outside strings, quoted names and comments. The libraries disagree about too few values
 * (one binds NULL and goes on), so moult counts. Named and numbered placeholders are a `TypeError`: no library takes
 * them from a list.
 */
export function countPlaceholders(sql: string): number {
  let count = 0
  let at = 0
  while (at < sql.length) {
    const char = sql[at]!
    if (char === '?') {
      if (/[0-9]/.test(sql[at + 1] ?? '')) throw namedPlaceholder(sql, at)
      count++
      at++
    } else if ((char === ':' || char === '@' || char === '$') && wordPart.test(sql[at + 1] ?? '')) {
      throw namedPlaceholder(sql, at)
    } else if (wordStart.test(char) || /[0-9]/.test(char)) {
      while (at < sql.length && wordPart.test(sql[at]!)) at++
    } else at = skipInert(sql, at)
  }
  return count
}

/** Whether nothing but space, comments and semicolons is left of `sql` from `from` on. */
export function isRestEmpty(sql: string, from: number): boolean {
  let at = from
  while (at < sql.length) {
    const isComment = sql.startsWith('--', at) || sql.startsWith('/*', at)
    if (!isComment && !/[\s;\ufeff]/.test(sql[at]!)) return false
    at = skipInert(sql, at)
  }
  return true
}

/** Past the string, quoted name, comment or single character at `at`. */
function skipInert(sql: string, at: number): number {
  const close = quotes[sql[at]!]
  if (close !== undefined) {
    const end = sql.indexOf(close, at + 1)
    return end === -1 ? sql.length : end + 1
  }
  if (sql.startsWith('--', at)) {
    const end = sql.indexOf('\n', at)
    return end === -1 ? sql.length : end + 1
  }
  if (sql.startsWith('/*', at)) {
    const end = sql.indexOf('*/', at + 2)
    return end === -1 ? sql.length : end + 2
  }
  return at + 1
}

function namedPlaceholder(sql: string, at: number): TypeError {
  const name = /^.[A-Za-z0-9_]*/.exec(sql.slice(at, at + 40))?.[0] ?? sql[at]
  return new TypeError(`the placeholder ${name} is named or numbered; values are given as a list, so write ? instead`)
}
