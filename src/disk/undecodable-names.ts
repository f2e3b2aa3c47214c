import type { Dirent } from 'node:fs'

/**
 * A name in a directory. `isUndecodable`: its bytes are no UTF-8, so no path that JavaScript can write leads there. It
 * is neither file nor directory nor symlink to whoever asks, and is named for people only.
 */
export interface DirectoryEntry extends Dirent {
  readonly isUndecodable?: true
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Entries that were read with their names as bytes, with names that are texts, each once. */
export function nameEntries(entries: readonly (Omit<Dirent, 'name'> & { name: unknown })[]): DirectoryEntry[] {
  const named = entries.map((entry) => ({ entry, bytes: entry.name as Buffer, name: decode(entry.name as Buffer) }))
  const taken = new Set(named.map(({ name }) => name))
  return named.map(({ entry, bytes, name }) => {
    if (name !== null) return Object.assign(entry, { name })
    let shown = showBytes(bytes)
    while (taken.has(shown)) shown += '?'
    taken.add(shown)
    const no = (): boolean => false
    const kind = { isFile: no, isDirectory: no, isSymbolicLink: no, isUndecodable: true } as const
    return Object.assign(entry, { name: shown, ...kind })
  })
}

/** `\xff` for each byte that is in no character. */
function showBytes(bytes: Buffer): string {
  let shown = ''
  for (let at = 0; at < bytes.length;) {
    const lengths = [1, 2, 3, 4].filter((length) => at + length <= bytes.length)
    const length = lengths.find((each) => decode(bytes.subarray(at, at + each)) !== null)
    shown += length === undefined ? `\\x${bytes.toString('hex', at, at + 1)}` : bytes.toString('utf8', at, at + length)
    at += length ?? 1
  }
  return shown
}

function decode(bytes: Buffer): string | null {
  try {
    return decoder.decode(bytes)
  } catch {
    return null
  }
}
