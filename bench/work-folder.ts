import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface WorkFolder {
  readonly path: string
  readonly remove: () => void
}

/** A fresh folder on the disk that TMPDIR is on. */
export function workFolder(name: string): WorkFolder {
  const path = mkdtempSync(join(tmpdir(), `moult-bench-${name}-`))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}
