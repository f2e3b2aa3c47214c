import { isPlainObject, presentKeys } from './members.js'
import { readString } from './parse.js'
import type { JsonSource } from './parse.js'
import { nodeSize } from './scan.js'

/** The nodes of an array's elements, or of an object's values. */
export function childNodes({ text, nodes }: JsonSource, node: number): number[] {
  const skip = text.charCodeAt(nodes[node]!) === 0x7b ? nodeSize : 0
  const end = nodes[node + 2]!
  const children: number[] = []
  for (let child = node + nodeSize + skip; child < end; child = nodes[child + 2]! + skip) children.push(child)
  return children
}

/**
 * Whether values are what nodes of a text say. The order of keys does not count; -0 is not 0, as texts can say which.
 * Remembers the containers found different, so that asking again one level down, and again below, stays linear.
 */
export class NodeComparison {
  readonly #source: JsonSource
  readonly #different = new Map<object, number>()

  constructor(source: JsonSource) {
    this.#source = source
  }

  equal(node: number, value: unknown): boolean {
    const { text, nodes } = this.#source
    const start = nodes[node]!
    switch (text.charCodeAt(start)) {
      case 0x22:
        return typeof value === 'string' && isString(text, start, nodes[node + 1]!, value)
      case 0x7b:
        return isPlainObject(value) && this.#remember(node, value, this.#equalMembers)
      case 0x5b:
        return Array.isArray(value) && this.#remember(node, value as unknown[], this.#equalElements)
      case 0x74:
        return value === true
      case 0x66:
        return value === false
      case 0x6e:
        return value === null
      default:
        return typeof value === 'number' && Object.is(value, Number(text.slice(start, nodes[node + 1])))
    }
  }

  #remember<V extends object>(node: number, value: V, compare: (node: number, value: V) => boolean): boolean {
    if (this.#different.get(value) === node) return false
    const isEqual = compare.call(this, node, value)
    if (!isEqual) this.#different.set(value, node)
    return isEqual
  }

  #equalMembers(node: number, value: Record<string, unknown>): boolean {
    const { nodes } = this.#source
    const keys = Object.keys(value)
    const end = nodes[node + 2]!
    let members = 0
    for (let keyNode = node + nodeSize; keyNode < end; keyNode = nodes[keyNode + nodeSize + 2]!) {
      const key = readKey(this.#source, keyNode, keys[members])
      if (!Object.hasOwn(value, key) || !this.equal(keyNode + nodeSize, value[key])) return false
      members++
    }
    return keys.length === members || presentKeys(value).length === members
  }

  #equalElements(node: number, value: readonly unknown[]): boolean {
    const { nodes } = this.#source
    const end = nodes[node + 2]!
    let index = 0
    for (let child = node + nodeSize; child < end; child = nodes[child + 2]!) {
      if (index === value.length || !this.equal(child, value[index])) return false
      index++
    }
    return index === value.length
  }
}

/** The key of a key's node. `guess` spares the copying when it is right. */
export function readKey({ text, nodes }: JsonSource, node: number, guess: string | undefined): string {
  const start = nodes[node]!
  const end = nodes[node + 1]!
  if (guess !== undefined && isUnescaped(text, start, end, guess)) return guess
  return readString(text, start, end)
}

function isString(text: string, start: number, end: number, value: string): boolean {
  if (isUnescaped(text, start, end, value)) return true
  // Escapes only lengthen a text.
  return value.length < end - start - 2 && readString(text, start, end) === value
}

/** Whether the text between the quotes is `value` letter by letter, and means it: with a backslash it would not. */
function isUnescaped(text: string, start: number, end: number, value: string): boolean {
  const { length } = value
  if (length !== end - start - 2) return false
  // Most are short, and a loop then costs a fraction of a call.
  if (length > 64) return text.startsWith(value, start + 1) && !value.includes('\\')
  for (let at = 0; at < length; at++) {
    const code = value.charCodeAt(at)
    if (code !== text.charCodeAt(start + 1 + at) || code === 0x5c) return false
  }
  return true
}
