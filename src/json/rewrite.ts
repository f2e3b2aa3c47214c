import { alignElements } from './align.js'
import type { Pair } from './align.js'
import { childNodes, NodeComparison, readKey } from './compare.js'
import { containerLayout, documentForm, hasLineEnd } from './layout.js'
import type { ContainerLayout } from './layout.js'
import { isPlainObject, presentKeys } from './members.js'
import { orderMembers } from './member-order.js'
import type { JsonSource } from './parse.js'
import { nodeSize } from './scan.js'
import { encloseItems, writeString, writeValue } from './write-value.js'

export interface RewriteOptions {
  /**
   * A key of the outermost object that goes to the front if it is not there yet. For version keys: apps list records
   * by reading the head of each file. Default: it is placed like any other key.
   */
  readonly first?: string
}

/**
 * The text that says `after`, differing from the source's text only where `after` differs from what that says; the
 * same string where nothing does. What is kept stands in it byte for byte: order of keys, numbers, escapes, white
 * space, line ends, byte order mark. What is added takes the look of what it stands beside, see writeValue for what
 * may be in it and orderMembers for where it goes. `after` may be the object that parseJsonText gave out, changed in
 * place: only the text counts as what was there.
 *
 * A member that goes while one with an equal value comes (a renamed key) hands on its text, if it is a string, an
 * array or an object; a number does not, because 1 and 1.0 are not the same to every program.
 *
 * Throws JsonValueError for a result that JSON cannot hold.
 */
export function rewriteJsonText(source: JsonSource, after: unknown, options: RewriteOptions = {}): string {
  return new Rewriting(source, options.first ?? null).rewrite(after)
}

class Rewriting {
  readonly #source: JsonSource
  readonly #first: string | null
  readonly #comparison: NodeComparison
  readonly #pieces: string[] = []
  /** How much of the text is in the pieces, or replaced by them. */
  #written = 0
  readonly #path: (string | number)[] = []
  /** The containers around the place we are at, and their layouts as far as they were needed. */
  readonly #containers: number[] = []
  readonly #layouts: ContainerLayout[] = []

  constructor(source: JsonSource, first: string | null) {
    this.#source = source
    this.#first = first
    this.#comparison = new NodeComparison(source)
  }

  rewrite(after: unknown): string {
    this.#visit(0, after)
    const { text } = this.#source
    if (this.#pieces.length === 0) return text
    return this.#pieces.join('') + text.slice(this.#written)
  }

  #visit(node: number, value: unknown): void {
    const { text, nodes } = this.#source
    const start = nodes[node]!
    const opening = text.charCodeAt(start)
    if (opening === 0x7b && isPlainObject(value)) {
      this.#containers.push(node)
      this.#visitObject(node, value)
      this.#leaveContainer()
    } else if (opening === 0x5b && Array.isArray(value)) {
      this.#containers.push(node)
      this.#visitArray(node, value as unknown[])
      this.#leaveContainer()
    } else if (!this.#comparison.equal(node, value)) {
      const layout = this.#layout()
      this.#replace(start, nodes[node + 1]!, writeValue(value, layout, layout.indent, this.#path))
    }
  }

  #leaveContainer(): void {
    this.#containers.pop()
    this.#layouts.length = Math.min(this.#layouts.length, this.#containers.length + 1)
  }

  #visitObject(node: number, value: Record<string, unknown>): void {
    const { nodes } = this.#source
    const resultKeys = presentKeys(value)
    const children = childNodes(this.#source, node)
    const keys = children.map((child, index) => readKey(this.#source, child - nodeSize, resultKeys[index]))
    const isKept = keys.map((key) => Object.hasOwn(value, key) && value[key] !== undefined)
    const visitMember = (index: number): void => this.#visitAt(keys[index]!, children[index]!, value[keys[index]!])

    if (keys.length === resultKeys.length && !isKept.includes(false)) {
      for (let index = 0; index < children.length; index++) visitMember(index)
      return
    }
    const first = node === 0 ? this.#first : null
    const order = orderMembers(keys, isKept, resultKeys, first)
    const removed = children.filter((_, index) => isKept[index] !== true)
    const starts = children.map((child) => nodes[child - nodeSize]!)
    this.#placeItems(node, starts, children, order, visitMember, (item) =>
      this.#newMember(item as string, value, removed),
    )
  }

  #newMember(key: string, value: Record<string, unknown>, removed: number[]): string {
    const layout = this.#layout()
    const name = writeString(key, layout.escapes) + layout.colon
    const { text, nodes } = this.#source
    const from = removed.findIndex(
      (node) => !isNumberOrWord(text, nodes[node]!) && this.#comparison.equal(node, value[key]),
    )
    if (from !== -1) {
      const [node] = removed.splice(from, 1)
      return name + text.slice(nodes[node!], nodes[node! + 1])
    }
    return name + writeValue(value[key], layout, layout.indent, [...this.#path, key])
  }

  #visitArray(node: number, value: readonly unknown[]): void {
    const { nodes } = this.#source
    const children = childNodes(this.#source, node)
    const pairs = this.#pairElements(children, value)
    if (pairs.length === children.length && pairs.length === value.length) {
      for (let index = 0; index < children.length; index++) this.#visitAt(index, children[index]!, value[index])
      return
    }
    const resultOf = new Map(pairs.map(({ source, result }) => [source, result]))
    const visitElement = (index: number): void => {
      const result = resultOf.get(index)!
      this.#visitAt(result, children[index]!, value[result])
    }
    const sourceOf = new Map(pairs.map(({ source, result }) => [result, source]))
    const order = Array.from(value, (_, index) => sourceOf.get(index) ?? `${index}`)
    const starts = children.map((child) => nodes[child]!)
    this.#placeItems(node, starts, children, order, visitElement, (item) => {
      const layout = this.#layout()
      return writeValue(value[Number(item)], layout, layout.indent, [...this.#path, Number(item)])
    })
  }

  #pairElements(children: readonly number[], value: readonly unknown[]): Pair[] {
    const shorter = Math.min(children.length, value.length)
    let head = 0
    while (head < shorter && this.#comparison.equal(children[head]!, value[head])) head++
    let tail = 0
    const { length } = children
    while (
      tail < shorter - head &&
      this.#comparison.equal(children[length - 1 - tail]!, value[value.length - 1 - tail])
    )
      tail++

    const pairs: Pair[] = []
    for (let index = 0; index < head; index++) pairs.push({ source: index, result: index })
    const sources = children.slice(head, length - tail)
    const results = value.slice(head, value.length - tail)
    if (sources.length === 1 && results.length === 1) {
      pairs.push({ source: head, result: head })
    } else if (sources.length > 0 && results.length > 0) {
      const before = sources.map((child) => this.#valueOf(child))
      for (const pair of alignElements(before, results))
        pairs.push({ source: pair.source + head, result: pair.result + head })
    }
    for (let left = tail; left > 0; left--) pairs.push({ source: length - left, result: value.length - left })
    return pairs
  }

  #valueOf(node: number): unknown {
    const { text, nodes } = this.#source
    return JSON.parse(text.slice(nodes[node], nodes[node + 1]))
  }

  #visitAt(step: string | number, node: number, value: unknown): void {
    this.#path.push(step)
    this.#visit(node, value)
    this.#path.pop()
  }

  /**
   * Writes a container whose items change: numbers in `order` are items of the text, rising; the others are new. Each
   * item of the text keeps the white space and comma before it, save the first one, which keeps what follows the
   * opening bracket.
   */
  #placeItems(
    node: number,
    starts: readonly number[],
    values: readonly number[],
    order: readonly (number | string)[],
    visitKept: (index: number) => void,
    writeNew: (item: number | string) => string,
  ): void {
    const { text, nodes } = this.#source
    const start = nodes[node]!
    const end = nodes[node + 1]!
    const endOf = (index: number): number => nodes[values[index]! + 1]!
    if (starts.length === 0 || order.length === 0) {
      const layout = this.#layout()
      const brackets = text.charCodeAt(start) === 0x7b ? '{}' : '[]'
      this.#replace(start, end, encloseItems(order.map(writeNew), brackets, layout, layout.closeIndent))
      return
    }

    const openGap = text.slice(start + 1, starts[0])
    const separatorBefore = (index: number): string => text.slice(endOf(index - 1), starts[index])
    const separatorNear = (index: number): string => {
      if (index > 0) return separatorBefore(index)
      if (starts.length > 1) return separatorBefore(1)
      return hasLineEnd(openGap) ? `,${openGap}` : this.#layout().comma
    }

    let from = start + 1
    let near = 0
    let pending = ''
    let isFirst = true
    for (const item of order) {
      if (typeof item === 'string') {
        pending += (isFirst ? openGap : separatorNear(near)) + writeNew(item)
      } else {
        pending += isFirst ? openGap : item === 0 ? separatorNear(0) : separatorBefore(item)
        this.#replace(from, starts[item]!, pending)
        visitKept(item)
        pending = ''
        from = endOf(item)
        near = item
      }
      isFirst = false
    }
    this.#replace(from, end - 1, pending + text.slice(endOf(starts.length - 1), end - 1))
  }

  /** How the innermost container is laid out. */
  #layout(): ContainerLayout {
    if (this.#layouts.length === 0) this.#layouts.push(documentForm(this.#source))
    while (this.#layouts.length <= this.#containers.length) {
      const container = this.#containers[this.#layouts.length - 1]!
      this.#layouts.push(containerLayout(this.#source, container, this.#layouts.at(-1)!))
    }
    return this.#layouts.at(-1)!
  }

  /** Replacements come in the order of the text. */
  #replace(start: number, end: number, replacement: string): void {
    const { text } = this.#source
    if (end - start === replacement.length && text.startsWith(replacement, start)) return
    if (start > this.#written) this.#pieces.push(text.slice(this.#written, start))
    this.#pieces.push(replacement)
    this.#written = end
  }
}

function isNumberOrWord(text: string, start: number): boolean {
  const code = text.charCodeAt(start)
  return code !== 0x22 && code !== 0x7b && code !== 0x5b
}
