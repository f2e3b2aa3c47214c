/**
 * `word`: a keyword, or a name without quotes. `name`: a quoted one. `string`: 'text', which SQLite also takes for a
 * name where one must stand. `parameter`: `?`, `?1`, `:a`, `@a`, `$a`. `other`: numbers and operators.
 */
export type TokenKind = 'word' | 'name' | 'string' | 'parameter' | ';' | '(' | ')' | '.' | ',' | 'other'

export interface Token {
  readonly kind: TokenKind
  readonly start: number
  readonly end: number
}

const marks: Readonly<Record<string, TokenKind>> = { ';': ';', '(': '(', ')': ')', '.': '.', ',': ',' }
const closing: Readonly<Record<string, string>> = { "'": "'", '"': '"', '`': '`', '[': ']' }
const wordStart = /[A-Za-z_\u0080-\ufefe\uff00-\uffff]/
const wordRest = /[\w$\u0080-\uffff]*/y
const inert = /[ \t\n\f\r\ufeff]+|--[^\n]*/y

/**
 * The next token at or after `from`, or null at the end, by the rules of SQLite's own tokenizer
 * (https://sqlite.org/src/file/src/tokenize.c): no escapes but doubled quotes, comments don't nest, a line ends at \n.
 *
 * @throws TypeError where a string, a quoted name or a comment has no end. SQLite reads an open comment as if it ended
 * with the text; here it is taken for the mistake it is.
 */
export function nextToken(text: string, from: number): Token | null {
  const start = skipInert(text, from)
  if (start === text.length) return null
  const char = text.charAt(start)
  const mark = marks[char]
  if (mark !== undefined) return { kind: mark, start, end: start + 1 }
  const close = closing[char]
  if (close !== undefined) {
    return { kind: char === "'" ? 'string' : 'name', start, end: endOfQuoted(text, start, close) }
  }
  if (char === '?' || ((char === ':' || char === '@' || char === '$' || char === '#') && isWordPart(text[start + 1]))) {
    return { kind: 'parameter', start, end: endOfWord(text, start + 1) }
  }
  if (wordStart.test(char)) return { kind: 'word', start, end: endOfWord(text, start) }
  return { kind: 'other', start, end: char >= '0' && char <= '9' ? endOfWord(text, start) : start + 1 }
}

/** What a token means as a name: without its quotes. Names that differ only in case are one to SQLite. */
export function nameIn(text: string, token: Token): string {
  if (token.kind !== 'name' && token.kind !== 'string') return text.slice(token.start, token.end)
  const quote = text.charAt(token.start)
  const inner = text.slice(token.start + 1, token.end - 1)
  return quote === '[' ? inner : inner.replaceAll(quote + quote, quote)
}

/** The line of an offset, from 1. */
export function lineAt(text: string, offset: number): number {
  let line = 1
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) line++
  return line
}

function skipInert(text: string, from: number): number {
  let at = from
  for (;;) {
    inert.lastIndex = at
    if (inert.test(text)) at = inert.lastIndex
    else if (text.startsWith('/*', at)) {
      const end = text.indexOf('*/', at + 2)
      if (end === -1) throw unterminated(text, at, 'comment')
      at = end + 2
    } else return at
  }
}

function endOfQuoted(text: string, start: number, close: string): number {
  for (let at = text.indexOf(close, start + 1); at !== -1; at = text.indexOf(close, at + 2)) {
    if (close === ']' || text[at + 1] !== close) return at + 1
  }
  throw unterminated(text, start, close === "'" ? 'string' : 'quoted name')
}

function endOfWord(text: string, from: number): number {
  wordRest.lastIndex = from
  wordRest.test(text)
  return wordRest.lastIndex
}

function isWordPart(char: string | undefined): boolean {
  return char !== undefined && /[\w$\u0080-\uffff]/.test(char)
}

function unterminated(text: string, at: number, what: string): TypeError {
  return new TypeError(`line ${lineAt(text, at)}: the ${what} that starts here has no end`)
}
