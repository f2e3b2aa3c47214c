import { execFileSync } from 'node:child_process'
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

/** A directory that `mount` with these arguments puts something on, for one test. Needs root. */
export function mounted(t: TestContext, args: readonly string[]): string {
  const directory = mkdtempSync(join(tmpdir(), 'moult-drivers-mount-'))
  execFileSync('mount', [...args, directory])
  t.after(() => {
    execFileSync('umount', ['-l', directory])
    rmSync(directory, { recursive: true, force: true })
  })
  return directory
}
