import { childNodes } from './compare.js'
import { JsonTextError } from './json-error.js'
import { scanJson } from './scan.js'

/** One line of a text. */
export interface TextLine {
  /** Without its line end; the first line has the byte order mark, if there is one. May be blank. */
  readonly text: string
  /** '' only for a last line that was not ended: written that way, or torn. */
  readonly end: '\n' | '\r\n' | ''
}

/** The lines of a JSONL text. Joining `text + end` of all gives the text back; '' has none. */
export function* splitLines(text: string): Generator<TextLine> {
  let from = 0
  while (from < text.length) {
    const feed = text.indexOf('\n', from)
    if (feed === -1) {
      yield { text: text.slice(from), end: '' }
      return
    }
    const isPair = feed > from && text.charCodeAt(feed - 1) === 0x0d
    yield { text: text.slice(from, isPair ? feed - 1 : feed), end: isPair ? '\r\n' : '\n' }
    from = feed + 1
  }
}

/** A JSON array whose elements are documents of their own: one bad element says nothing of the others. */
export interface SplitElements {
  /** Each element's text, for parseJsonText. Only that it is JSON has been checked. */
  readonly elements: readonly string[]
  /** The array with other texts for its elements, in the same number, the same string if they are the same. */
  join(elements: readonly string[]): string
}

/** Throws JsonTextError for a text that is not a JSON array. */
export function splitElements(text: string): SplitElements {
  const { nodes } = scanJson(text)
  const start = nodes[0]!
  if (text.charCodeAt(start) !== 0x5b) throw new JsonTextError('syntax', 'the document is not an array', text, start)
  const children = childNodes({ text, nodes }, 0)
  const elements = children.map((child) => text.slice(nodes[child], nodes[child + 1]))
  return {
    elements,
    join(others) {
      if (others.length !== elements.length)
        throw new TypeError(`expected ${elements.length} elements, got ${others.length}`)
      if (others.every((other, index) => other === elements[index])) return text
      let joined = ''
      let from = 0
      children.forEach((child, index) => {
        joined += text.slice(from, nodes[child]) + others[index]!
        from = nodes[child + 1]!
      })
      return joined + text.slice(from)
    },
  }
}
