import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { checkout } from '../support/checkout.js'

/** An empty project in which this checkout's moult is installed, with its command. Gone when the test is over. */
export function emptyProject(t: TestContext, packages: readonly string[]): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'moult-readme-')))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'node_modules/.bin'), { recursive: true })
  symlinkSync(checkout, join(folder, 'node_modules/moult'))
  for (const name of packages) symlinkSync(join(checkout, 'node_modules', name), join(folder, 'node_modules', name))
  const command = `#!/bin/sh\nexec '${process.execPath}' '${join(checkout, 'dist/cli/bin.js')}' "$@"\n`
  writeFileSync(join(folder, 'node_modules/.bin/moult'), command, { mode: 0o755 })
  return folder
}
