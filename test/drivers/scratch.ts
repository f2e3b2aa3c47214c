import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

/** A directory of its own for one test, removed after it. */
export function scratch(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'moult-drivers-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}
