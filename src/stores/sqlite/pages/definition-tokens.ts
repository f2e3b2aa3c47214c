import { nextToken, type Token } from '../sql-tokens.js'
import { Unreadable } from './unreadable.js'

/** All tokens of a table's text. */
export function tokensOf(sql: string): Token[] {
  const tokens: Token[] = []
  try {
    for (let token = nextToken(sql, 0); token !== null; token = nextToken(sql, token.end)) tokens.push(token)
  } catch {
    throw notUnderstood()
  }
  return tokens
}

/** The index of the parenthesis that closes the one at `open`. */
export function closingOf(tokens: readonly Token[], open: number): number {
  let depth = 0
  for (let i = open; i < tokens.length; i++) {
    if (tokens[i]?.kind === '(') depth++
    else if (tokens[i]?.kind === ')' && --depth === 0) return i
  }
  throw notUnderstood()
}

/** Tokens split at the commas that stand in no parentheses. */
export function splitAtCommas(tokens: readonly Token[]): Token[][] {
  const items: Token[][] = [[]]
  let depth = 0
  for (const token of tokens) {
    if (token.kind === '(') depth++
    else if (token.kind === ')') depth--
    if (token.kind === ',' && depth === 0) items.push([])
    else items.at(-1)?.push(token)
  }
  return items
}

export function isName(token: Token): boolean {
  return token.kind === 'word' || token.kind === 'name' || token.kind === 'string'
}

/** A keyword in capitals; '' for what is none. */
export function wordOf(sql: string, token: Token | undefined): string {
  return token?.kind === 'word' ? sql.slice(token.start, token.end).toUpperCase() : ''
}

export function notUnderstood(): Unreadable {
  return new Unreadable('unsupported', 'its CREATE TABLE has something in it that moult never writes')
}
