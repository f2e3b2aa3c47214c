import { basename, dirname, join } from 'node:path'
import { readTextIfAny } from '../disk/read-file.js'

/**
 * The text that a step module's checksum is made from: what its author wrote. JavaScript may be what a compiler, a
 * minifier or a bundler made of that, which changes with the tool and tells nobody: taken for the source, the next
 * release would find the step edited on every machine. So it is the source that its source map holds, or null: the step
 * is then compared by its name alone, unless it exports a `checksum`.
 */
export function readStepSource(path: string, text: string): string | null {
  if (/\.[cm]?ts$/.test(path)) return text
  const map = /^\/\/[#@] ?sourceMappingURL=(\S+)\s*$/m.exec(text)?.[1]
  return map === undefined ? null : sourceInMap(readMap(path, map))
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
