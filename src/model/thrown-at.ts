const own = pathOf(new URL('../', import.meta.url).href)
const frame = /(?:\(|at )((?:file:\/\/|\/|[A-Za-z]:[\\/])[^()]*?):(\d+):\d+\)?$/

/**
 * Where an app's code threw, or called what threw: `/app/steps/0002-split.ts:12`. Frames of moult, of Node and of the
 * SQLite library are passed over. Null if the stack doesn't say; what called moult has not thrown.
 */
export function thrownAt(error: unknown): string | null {
  for (const line of stackOf(error).split('\n')) {
    if (/runStepCode|applyChange/.test(line)) return null
    const [, file, number] = frame.exec(line.trim()) ?? []
    if (file === undefined) continue
    const path = pathOf(file)
    if (!path.startsWith(own) && !path.includes('/node_modules/better-sqlite3/')) return `${path}:${number}`
  }
  return null
}

function pathOf(file: string): string {
  if (!file.startsWith('file:')) return file
  return decodeURIComponent(new URL(file).pathname).replace(/^\/(?=[A-Za-z]:)/, '')
}

/** Anything may have been made of it. */
function stackOf(error: unknown): string {
  try {
    return error instanceof Error && typeof error.stack === 'string' ? error.stack : ''
  } catch {
    return ''
  }
}
