import { JsonTextError } from './json-error.js'
import { isHeldNumber } from './held-number.js'
import { nodeSize, scanJson } from './scan.js'
import type { JsonScan } from './scan.js'

/** Where everything stands in a JSON text. */
export interface JsonSource {
  readonly text: string
  /** See JsonScan. */
  readonly nodes: Int32Array
}

export interface ParsedJson extends JsonSource {
  /**
   * What JSON.parse gives, fresh: whoever gets it may change it, a rewrite compares with the text. Keys stand in the
   * text's order, save that JavaScript puts keys such as "7" first.
   */
  readonly value: unknown
}

/**
 * Reads a JSON document, with or without a byte order mark.
 *
 * Throws JsonTextError where JSON.parse throws, and also for a key that stands twice in one object (its value could not
 * be told apart from the other), for a number that JavaScript would round (see isHeldNumber), and below maxDepth.
 */
export function parseJsonText(text: string): ParsedJson {
  const scan = scanJson(text)
  for (const node of scan.doubtfulNumbers) {
    const start = scan.nodes[node]!
    if (isHeldNumber(text.slice(start, scan.nodes[node + 1]))) continue
    throw new JsonTextError('number', 'a number that JavaScript would round', text, start)
  }
  const value: unknown = JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text)
  // JSON.parse keeps the last of two equal keys, so the counts differ if and only if there are some.
  if (countMembers(value) !== scan.members) throw duplicateKey(text, scan)
  return { text, nodes: scan.nodes, value }
}

function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  let count = 0
  if (Array.isArray(value)) {
    for (const element of value as unknown[]) if (typeof element === 'object') count += countMembers(element)
    return count
  }
  const keys = Object.keys(value)
  for (const key of keys) {
    const member = (value as Record<string, unknown>)[key]
    if (typeof member === 'object') count += countMembers(member)
  }
  return count + keys.length
}

function duplicateKey(text: string, { nodes }: JsonScan): JsonTextError {
  for (let node = 0; node < nodes.length; node += nodeSize) {
    if (text.charCodeAt(nodes[node]!) !== 0x7b) continue
    const seen = new Set<string>()
    const end = nodes[node + 2]!
    for (let key = node + nodeSize; key < end; key = nodes[key + nodeSize + 2]!) {
      const name = readString(text, nodes[key]!, nodes[key + 1]!)
      if (seen.has(name))
        return new JsonTextError('duplicate-key', 'a key that stands twice in one object', text, nodes[key]!)
      seen.add(name)
    }
  }
  throw new Error('countMembers and scanJson disagree')
}

/** The string that the JSON text from `start` to `end`, quotes included, stands for. */
export function readString(text: string, start: number, end: number): string {
  const inner = text.slice(start + 1, end - 1)
  return inner.includes('\\') ? (JSON.parse(text.slice(start, end)) as string) : inner
}
