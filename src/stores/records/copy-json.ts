import { isPlainObject, presentKeys } from '../../json/members.js'
import { JsonValueError } from '../../json/json-error.js'

const maxDepth = 1000

/**
 * A deep copy of what JSON can hold: what the text of the value would say. Members that are undefined are absent.
 * Throws JsonValueError for everything else, see `writeValue`.
 */
export function copyJson(value: unknown): unknown {
  return copyAt(value, [])
}

function copyAt(value: unknown, path: (string | number)[]): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'number':
      if (!Number.isFinite(value)) throw new JsonValueError(path, 'JSON has no such number')
      return value
    case 'object':
      return value === null ? null : copyContainer(value, path)
    default:
      throw new JsonValueError(
        path,
        value === undefined ? 'undefined is not a JSON value' : `a ${typeof value} is not a JSON value`,
      )
  }
}

function copyContainer(value: object, path: (string | number)[]): unknown {
  if (path.length >= maxDepth) throw new JsonValueError([], `nested deeper than ${maxDepth}`)
  if (Array.isArray(value)) {
    const copy: unknown[] = []
    for (let index = 0; index < value.length; index++) {
      path.push(index)
      copy.push(copyAt(value[index], path))
      path.pop()
    }
    return copy
  }
  if (!isPlainObject(value)) throw new JsonValueError(path, 'an instance of a class is not a JSON value')
  const copy: Record<string, unknown> = {}
  for (const key of presentKeys(value)) {
    path.push(key)
    const member = copyAt(value[key], path)
    path.pop()
    // Assigning to this key would change the prototype.
    if (key === '__proto__')
      Object.defineProperty(copy, key, { value: member, enumerable: true, configurable: true, writable: true })
    else copy[key] = member
  }
  return copy
}
