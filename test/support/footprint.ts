import { createHash } from 'node:crypto'
import { lstatSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

/** Bytes, mode and mtime of every path of a state but `.moult/`, the root itself included. */
export function footprint(root: string): Readonly<Record<string, string>> {
  const prints: Record<string, string> = {}
  const visit = (path: string, name: string): void => {
    const stats = lstatSync(path, { bigint: true })
    const content = stats.isFile() ? createHash('sha256').update(readFileSync(path)).digest('hex') : ''
    prints[name] = `${stats.mode.toString(8)} ${stats.mtimeNs} ${content}`
    if (!stats.isDirectory()) return
    for (const entry of readdirSync(path))
      if (entry !== '.moult') visit(join(path, entry), name === '.' ? entry : `${name}/${entry}`)
  }
  visit(root, '.')
  return prints
}

/** A folder for one test, gone afterwards. */
export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'moult-test-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
