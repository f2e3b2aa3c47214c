import { inspect } from 'node:util'
import { isMoultError } from '../index.js'
import { unexpectedHint } from './document.js'
import { plain } from './paint.js'
import type { Paint } from './paint.js'

/** An error for people: what happened and what to do; with `isVerbose` where it came from. */
export function showError(error: unknown, paint: Paint, isVerbose: boolean): string[] {
  const code = isMoultError(error) ? error.code : 'UNEXPECTED'
  const hint = isMoultError(error) ? error.hint : unexpectedHint
  const message = error instanceof Error ? error.message : String(error)
  return [
    `${paint('red', `error ${code}:`)} ${plain(message)}`,
    `hint: ${plain(hint)}`,
    ...(isVerbose ? showOrigin(error) : []),
  ]
}

function showOrigin(error: unknown): string[] {
  const lines: string[] = []
  // A chain may be a circle
  const seen = new Set<unknown>()
  for (let at = error; at !== undefined && !seen.has(at); at = at instanceof Error ? at.cause : undefined) {
    seen.add(at)
    const text = at instanceof Error ? (at.stack ?? `${at.name}: ${at.message}`) : inspect(at)
    lines.push(...plain(at === error ? text : `caused by ${text}`).split('\n'))
  }
  return lines
}
