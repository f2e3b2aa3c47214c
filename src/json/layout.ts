import type { JsonSource } from './parse.js'
import { nodeSize } from './scan.js'
import type { JsonEscapes, JsonForm } from './write-value.js'

/** How one container of a text is laid out, for what is put into it. */
export interface ContainerLayout extends JsonForm {
  /** The indentation of its members. */
  readonly indent: string
  /** The indentation of its closing bracket. */
  readonly closeIndent: string
}

/** What a text as a whole shows; it holds wherever a container shows nothing of its own. */
export function documentForm(source: JsonSource): ContainerLayout {
  const { text } = source
  const colon = firstColon(source)
  return {
    isMultiline: false,
    unit: '  ',
    // Strings hold no raw line ends, so the first one stands between values.
    eol: firstLineEnd(text) ?? '\n',
    colon: colon ?? ':',
    comma: colon?.endsWith(' ') ? ', ' : ',',
    escapes: escapesOf(text),
    indent: '',
    closeIndent: '',
  }
}

/** What the container at `node` shows, and where it shows nothing what `around` it holds. */
export function containerLayout(source: JsonSource, node: number, around: ContainerLayout): ContainerLayout {
  const { text, nodes } = source
  const start = nodes[node]!
  const end = nodes[node + 1]!
  const isObject = text.charCodeAt(start) === 0x7b
  const first = node + nodeSize
  if (nodes[node + 2] === first) {
    const isMultiline = around.isMultiline || hasLineEnd(text.slice(start, end))
    // An empty document's members are not indented like members of something around it.
    const outer = around.indent
    return { ...around, isMultiline, indent: isMultiline ? outer + around.unit : outer, closeIndent: outer }
  }

  const open = text.slice(start + 1, nodes[first])
  const isMultiline = hasLineEnd(open)
  const indent = isMultiline ? lastLine(open) : around.indent
  const closing = text.slice(spaceStart(text, end - 1), end - 1)
  const closeIndent = hasLineEnd(closing) ? lastLine(closing) : around.indent
  const hasStep = isMultiline && indent.length > closeIndent.length && indent.startsWith(closeIndent)
  const value = isObject ? first + nodeSize : first
  const colon = isObject ? text.slice(nodes[first + 1], nodes[value]) : around.colon
  const second = nodes[value + 2]!
  const comma = second < nodes[node + 2]! ? text.slice(nodes[value + 1], nodes[second]) : around.comma
  return {
    isMultiline,
    unit: hasStep ? indent.slice(closeIndent.length) : around.unit,
    eol: firstLineEnd(open) ?? around.eol,
    colon: hasLineEnd(colon) ? around.colon : colon,
    comma: hasLineEnd(comma) ? around.comma : comma,
    escapes: around.escapes,
    indent,
    closeIndent,
  }
}

export function hasLineEnd(text: string): boolean {
  return text.includes('\n') || text.includes('\r')
}

function firstLineEnd(text: string): string | null {
  const feed = text.indexOf('\n')
  if (feed !== -1) return text.charCodeAt(feed - 1) === 0x0d ? '\r\n' : '\n'
  return text.includes('\r') ? '\r' : null
}

function lastLine(space: string): string {
  return space.slice(Math.max(space.lastIndexOf('\n'), space.lastIndexOf('\r')) + 1)
}

function spaceStart(text: string, end: number): number {
  let at = end
  while (at > 0 && text.charCodeAt(at - 1) <= 0x20) at--
  return at
}

function firstColon({ text, nodes }: JsonSource): string | null {
  for (let node = 0; node < nodes.length; node += nodeSize) {
    if (text.charCodeAt(nodes[node]!) !== 0x7b || nodes[node + 2] === node + nodeSize) continue
    const colon = text.slice(nodes[node + nodeSize + 1], nodes[node + 2 * nodeSize])
    if (!hasLineEnd(colon)) return colon
  }
  return null
}

/** A text without one letter beyond ASCII, but with such letters escaped, was written by a program that escapes them. */
function escapesOf(text: string): JsonEscapes {
  if (!text.includes('\\u') || /[^\0-\x7f]/.test(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text)) return 'none'
  let escapes: JsonEscapes = 'none'
  // The second half eats other escapes, so that an escaped backslash before a u is none.
  for (const [, hex] of text.matchAll(/\\(?:u([0-9a-fA-F]{4})|[^u])/g)) {
    if (hex === undefined || parseInt(hex, 16) < 0x80) continue
    if (/[a-f]/.test(hex)) return 'lower'
    if (/[A-F]/.test(hex)) return 'upper'
    escapes = 'lower'
  }
  return escapes
}
