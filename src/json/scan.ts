import { JsonTextError } from './json-error.js'

/**
 * The deepest nesting that is read or written. Programs that recurse over a document (validators, step code, this
 * folder) stay far from the end of their stack; deeper documents are refused, not overflowed on.
 */
export const maxDepth = 1000

/** A node is three numbers: where its text starts, where it ends, and the index of the node after its subtree. */
export const nodeSize = 3

export interface JsonScan {
  /**
   * All nodes in the order of the text, so the first child of node n is n + nodeSize. The members of an object are
   * pairs: the key's node, then the value's.
   */
  readonly nodes: Int32Array
  /** Members of all objects together. */
  readonly members: number
  /** Nodes of the numbers that JavaScript may be unable to hold. */
  readonly doubtfulNumbers: readonly number[]
}

/** A number this short, without an exponent, has at most 15 digits: a double always holds it. */
const surelyHeldLength = 15

const scratchSize = 1 << 14
let scratch = new Int32Array(scratchSize)

/**
 * Checks a text against RFC 8259 and notes where everything stands. Accepts what JSON.parse accepts, after a byte
 * order mark, up to maxDepth. One pass, no recursion.
 */
export function scanJson(text: string): JsonScan {
  let nodes = scratch
  let size = 0
  let members = 0
  const doubtfulNumbers: number[] = []
  const open: number[] = []
  let at = skipSpace(text, text.charCodeAt(0) === 0xfeff ? 1 : 0)
  if (at === text.length) throw syntax('the text is empty', text, at)

  for (;;) {
    // A value starts here; a container only opens.
    const node = size
    if (size + 2 * nodeSize > nodes.length) nodes = grow(nodes)
    size += nodeSize
    nodes[node] = at
    const code = text.charCodeAt(at)
    let isOpening = false
    if (code === 0x22) {
      at = scanString(text, at)
    } else if (code === 0x7b || code === 0x5b) {
      if (open.length === maxDepth) throw new JsonTextError('depth', `nested deeper than ${maxDepth}`, text, at)
      open.push(node)
      at = skipSpace(text, at + 1)
      isOpening = text.charCodeAt(at) !== code + 2
    } else if (code === 0x2d || (code >= 0x30 && code <= 0x39)) {
      const end = scanNumber(text, at)
      if (end - at > surelyHeldLength || hasExponent(text, at, end)) doubtfulNumbers.push(node)
      at = end
    } else {
      at = scanWord(text, at)
    }
    if (code !== 0x7b && code !== 0x5b) {
      nodes[node + 1] = at
      nodes[node + 2] = size
    }

    // Close what ends here, up to the next comma.
    let isInObject = code === 0x7b
    while (!isOpening) {
      const container = open[open.length - 1]
      if (container === undefined) {
        at = skipSpace(text, at)
        if (at !== text.length) throw syntax('more text after the document', text, at)
        const kept = nodes.slice(0, size)
        scratch = nodes.length > 1 << 20 ? new Int32Array(scratchSize) : nodes
        return { nodes: kept, members, doubtfulNumbers }
      }
      const opening = text.charCodeAt(nodes[container]!)
      at = skipSpace(text, at)
      const next = text.charCodeAt(at)
      if (next === opening + 2) {
        at++
        open.pop()
        nodes[container + 1] = at
        nodes[container + 2] = size
      } else if (next === 0x2c) {
        at = skipSpace(text, at + 1)
        isInObject = opening === 0x7b
        isOpening = true
      } else {
        throw syntax(
          at === text.length ? 'the text ends too early' : 'a comma or a closing bracket is missing',
          text,
          at,
        )
      }
    }

    if (isInObject) {
      if (text.charCodeAt(at) !== 0x22) throw syntax('a key is missing', text, at)
      if (size + 2 * nodeSize > nodes.length) nodes = grow(nodes)
      nodes[size] = at
      at = scanString(text, at)
      nodes[size + 1] = at
      nodes[size + 2] = size + nodeSize
      size += nodeSize
      members++
      at = skipSpace(text, at)
      if (text.charCodeAt(at) !== 0x3a) throw syntax('a colon is missing', text, at)
      at = skipSpace(text, at + 1)
    }
  }
}

function grow(nodes: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(nodes.length * 2)
  grown.set(nodes)
  return grown
}

function skipSpace(text: string, from: number): number {
  let at = from
  for (;;) {
    const code = text.charCodeAt(at)
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return at
    at++
  }
}

function scanString(text: string, start: number): number {
  let at = start + 1
  for (;;) {
    const code = text.charCodeAt(at)
    if (code === 0x22) return at + 1
    if (code === 0x5c) {
      at = scanEscape(text, at)
    } else if (code >= 0x20) {
      at++
    } else {
      throw syntax(at >= text.length ? 'a string does not end' : 'a control character in a string', text, at)
    }
  }
}

function scanEscape(text: string, start: number): number {
  switch (text[start + 1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
      return start + 2
    case 'u':
      for (let at = start + 2; at < start + 6; at++) {
        const code = text.charCodeAt(at) | 0x20
        const isDigit = text.charCodeAt(at) >= 0x30 && text.charCodeAt(at) <= 0x39
        if (!isDigit && !(code >= 0x61 && code <= 0x66)) throw syntax('a malformed escape in a string', text, start)
      }
      return start + 6
    default:
      throw syntax('a malformed escape in a string', text, start)
  }
}

function scanNumber(text: string, start: number): number {
  let at = text.charCodeAt(start) === 0x2d ? start + 1 : start
  at = text.charCodeAt(at) === 0x30 ? at + 1 : scanDigits(text, at)
  if (text.charCodeAt(at) === 0x2e) at = scanDigits(text, at + 1)
  if ((text.charCodeAt(at) | 0x20) === 0x65) {
    const sign = text.charCodeAt(at + 1)
    at = scanDigits(text, sign === 0x2b || sign === 0x2d ? at + 2 : at + 1)
  }
  return at
}

function scanDigits(text: string, start: number): number {
  let at = start
  while (text.charCodeAt(at) >= 0x30 && text.charCodeAt(at) <= 0x39) at++
  if (at === start) throw syntax('a malformed number', text, at)
  return at
}

function hasExponent(text: string, start: number, end: number): boolean {
  for (let at = start + 1; at < end; at++) if ((text.charCodeAt(at) | 0x20) === 0x65) return true
  return false
}

function scanWord(text: string, start: number): number {
  for (const word of ['null', 'true', 'false']) if (text.startsWith(word, start)) return start + word.length
  throw syntax(start >= text.length ? 'the text ends too early' : 'a value is missing', text, start)
}

function syntax(reason: string, text: string, offset: number): JsonTextError {
  return new JsonTextError('syntax', reason, text, offset)
}
