import { isPlainObject, presentKeys } from './members.js'
import { JsonValueError } from './json-error.js'
import { maxDepth } from './scan.js'

/** How new JSON text is laid out. */
export interface JsonForm {
  /** One member a line; otherwise all on one line. */
  readonly isMultiline: boolean
  /** One level of indentation. */
  readonly unit: string
  readonly eol: string
  /** From the end of a key to its value: `": "` or `":"`, without the quotes. */
  readonly colon: string
  /** Between members on one line: `", "` or `","`. */
  readonly comma: string
  readonly escapes: JsonEscapes
}

/** How characters beyond ASCII are written. */
export type JsonEscapes = 'none' | 'lower' | 'upper'

/**
 * The text of a value. Lines after the first begin with `indent`.
 *
 * As with JSON.stringify, members that are undefined and keys that are symbols are absent. Everything else that JSON
 * cannot hold throws JsonValueError: undefined as a whole or in an array, holes, NaN, infinities, bigints, functions,
 * symbols, instances of classes (also Date: a step says which text it wants), cycles, nesting below maxDepth. -0 is
 * written as it is.
 */
export function writeValue(value: unknown, form: JsonForm, indent: string, path: readonly (string | number)[]): string {
  const trail = [...path]
  const within: object[] = []

  const write = (part: unknown, indentation: string): string => {
    switch (typeof part) {
      case 'string':
        return writeString(part, form.escapes)
      case 'number':
        if (!Number.isFinite(part)) throw new JsonValueError(trail, 'JSON has no such number')
        return Object.is(part, -0) ? '-0' : String(part)
      case 'boolean':
        return String(part)
      case 'object':
        return part === null ? 'null' : writeContainer(part, indentation)
      case 'undefined':
        throw new JsonValueError(trail, 'undefined is not a JSON value')
      default:
        throw new JsonValueError(trail, `a ${typeof part} is not a JSON value`)
    }
  }

  const writeContainer = (part: object, indentation: string): string => {
    if (within.includes(part)) throw new JsonValueError(trail, 'the value contains itself')
    if (trail.length >= maxDepth) throw new JsonValueError([], `nested deeper than ${maxDepth}`)
    const inner = form.isMultiline ? indentation + form.unit : indentation
    const items: string[] = []
    within.push(part)
    if (Array.isArray(part)) {
      for (let index = 0; index < part.length; index++) {
        trail.push(index)
        items.push(write(part[index], inner))
        trail.pop()
      }
    } else if (isPlainObject(part)) {
      for (const key of presentKeys(part)) {
        trail.push(key)
        items.push(writeString(key, form.escapes) + form.colon + write(part[key], inner))
        trail.pop()
      }
    } else {
      throw new JsonValueError(trail, 'an instance of a class is not a JSON value')
    }
    within.pop()
    return encloseItems(items, Array.isArray(part) ? '[]' : '{}', form, indentation)
  }

  return write(value, indent)
}

/** The text of a container with these items; its closing bracket stands at `indent`. */
export function encloseItems(items: readonly string[], brackets: '{}' | '[]', form: JsonForm, indent: string): string {
  if (items.length === 0) return brackets
  if (!form.isMultiline) return brackets.charAt(0) + items.join(form.comma) + brackets.charAt(1)
  const lead = form.eol + indent + form.unit
  return brackets.charAt(0) + lead + items.join(',' + lead) + form.eol + indent + brackets.charAt(1)
}

export function writeString(value: string, escapes: JsonEscapes): string {
  const text = JSON.stringify(value)
  if (escapes === 'none') return text
  return text.replace(/[^\0-\x7f]/g, (unit) => {
    const hex = unit.charCodeAt(0).toString(16).padStart(4, '0')
    return `\\u${escapes === 'upper' ? hex.toUpperCase() : hex}`
  })
}
