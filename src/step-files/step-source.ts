import { basename, dirname, join } from 'node:path'
import { readTextIfAny } from '../disk/read-file.js'

/**
 * The text that a step module's checksum is made from: what its author wrote. What a compiler made of that changes with
 * the compiler, so for compiled JavaScript it is the source that the source map holds, or null: the step is then
 * compared by its name alone. Compiled is what has a source map or declarations.
 */
export function readStepSource(path: string, text: string): string | null {
  if (/\.[cm]?ts$/.test(path)) return text
  const map = /^\/\/[#@] ?sourceMappingURL=(\S+)\s*$/m.exec(text)?.[1]
  if (map === undefined) return readTextIfAny(path.replace(/\.([cm]?)js$/, '.d.$1ts')) === null ? text : null
  return sourceInMap(readMap(path, map))
}

function readMap(path: string, url: string): string | null {
  const data = /^data:application\/json;(?:charset=[^;,]+;)?base64,(.*)$/.exec(url)?.[1]
  if (data !== undefined) return Buffer.from(data, 'base64').toString('utf8')
  return readTextIfAny(join(dirname(path), basename(url)))
}

function sourceInMap(map: string | null): string | null {
  if (map === null) return null
  try {
    const { sourcesContent } = JSON.parse(map) as { readonly sourcesContent?: readonly unknown[] }
    const [source, ...others] = sourcesContent ?? []
    return typeof source === 'string' && others.length === 0 ? source : null
  } catch {
    return null
  }
}
