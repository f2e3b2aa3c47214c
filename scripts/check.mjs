// All that CI runs: `npm run check`, `npm run check -- lint format` for some of it, `--no-tests` for all but the tests.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from './root.mjs'

const bin = (name) => join(root, 'node_modules/.bin', name)
const node = process.execPath

/** A check is commands that must all succeed. Types are checked by the build that comes before. */
const checks = {
  lint: () => [[bin('oxlint')]],
  format: () => [[bin('prettier'), '--check', '--log-level', 'warn', '.']],
  api: () => [[node, 'scripts/api.mjs']],
  unused: () => [[bin('knip'), '--no-progress']],
  package: (folder) => [
    ['npm', 'pack', '--silent', '--ignore-scripts', '--pack-destination', folder],
    () => [bin('publint'), 'run', findTarball(folder), '--strict'],
    () => [bin('attw'), findTarball(folder), '--profile', 'esm-only'],
  ],
  // Last, so that the last lines carry the counts.
  test: () => [[node, 'scripts/test.mjs']],
}

const findTarball = (folder) =>
  join(
    folder,
    readdirSync(folder).find((name) => name.endsWith('.tgz')),
  )

/** Runs one check; prints what it said only when it failed, but for the tests, which are shown as they go. */
function runCheck(name) {
  const folder = mkdtempSync(join(tmpdir(), 'moult-check-'))
  try {
    for (const command of checks[name](folder)) {
      const [file, ...args] = typeof command === 'function' ? command() : command
      const isShown = name === 'test'
      const { status, stdout, stderr, error } = spawnSync(file, args, {
        cwd: root,
        encoding: 'utf8',
        maxBuffer: 64 << 20,
        stdio: ['ignore', isShown ? 'inherit' : 'pipe', isShown ? 'inherit' : 'pipe'],
      })
      if (error) throw error
      if (status !== 0) {
        console.log(`${stdout ?? ''}${stderr ?? ''}`)
        return false
      }
    }
    return true
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const hasTests = !process.argv.includes('--no-tests')
const asked = process.argv.slice(2).filter((argument) => argument !== '--no-tests')
const unknown = asked.filter((name) => !Object.hasOwn(checks, name))
if (unknown.length > 0) {
  console.error(`No such check: ${unknown.join(', ')}. There are: ${Object.keys(checks).join(', ')}.`)
  process.exit(2)
}
const names = (asked.length > 0 ? asked : Object.keys(checks)).filter((name) => name !== 'test' || hasTests)
const failed = []
for (const name of names) {
  const startedAt = performance.now()
  const isGood = runCheck(name)
  if (!isGood) failed.push(name)
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  if (name !== 'test') console.log(`${isGood ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`)
}
if (failed.length > 0) console.error(`Failed: ${failed.join(', ')}`)
process.exitCode = failed.length > 0 ? 1 : 0
