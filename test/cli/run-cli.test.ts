import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { test } from 'node:test'
import { defineState, sqlite } from 'moult'
import { runCli } from 'moult/cli'
import type { RunCliOptions } from 'moult/cli'

class Screen extends Writable {
  text = ''
  readonly isTTY: boolean
  constructor(isTTY = false) {
    super({ decodeStrings: false })
    this.isTTY = isTTY
  }
  override _write(chunk: string, _encoding: string, done: () => void): void {
    this.text += chunk
    done()
  }
}

const sessions = sqlite('sessions', { path: 'clankers.db' })
  .step('create', { up: 'CREATE TABLE session(id)' })
  .step('index', {
    up: async ({ db, progress }) => {
      progress(1, 2)
      db.exec('CREATE INDEX by_id ON session(id)')
    },
  })

const clankers = { name: 'clankers migrate', defaultCommand: 'upgrade' } as const

async function type(
  args: readonly string[],
  root: string,
  options: RunCliOptions & { readonly isTTY?: boolean } = clankers,
) {
  const stdout = new Screen(options.isTTY)
  const stderr = new Screen(options.isTTY)
  const state = defineState({ app: 'clankers', appVersion: '0.3.0', stores: [sessions] }).in(root)
  const code = await runCli(state, args, { stdout, stderr, ...options })
  return { code, out: stdout.text, err: stderr.text }
}

function makeRoot(t: { after: (remove: () => void) => void }): string {
  const root = mkdtempSync(join(tmpdir(), 'moult-run-cli-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  return root
}

test('[K6] `clankers migrate` upgrades, and `clankers migrate status` shows', async (t) => {
  const root = makeRoot(t)
  const before = await type(['status'], root)
  assert.deepEqual([before.code, before.err], [0, ''])
  assert.match(before.out, /sessions +sqlite +clankers\.db +- +2 +fresh +create, index/)
  assert.equal((await type(['status', '--check'], root)).code, 3)
  assert.match((await type([], root)).out, /: upgraded\nsessions\/create +done/)
  assert.equal((await type(['status', '--check'], root)).code, 0)
  assert.match((await type(['--json'], root)).out, /"command":"upgrade","ok":true,"outcome":"up-to-date"/)
})

test('[K6] flags of the default command need no command, and a mistyped command is no upgrade', async (t) => {
  const root = makeRoot(t)
  assert.equal((await type(['--target', 'sessions@1'], root)).code, 0)
  const mistyped = await type(['stauts'], root)
  assert.deepEqual(
    [mistyped.code, mistyped.err],
    [2, "error USAGE: There is no command 'stauts'.\nhint: Did you mean status?\n"],
  )
  assert.equal((await type(['stauts', '--target', 'sessions@2'], root)).code, 2)
  assert.match(
    (await type(['--taget', 'sessions@2'], root)).err,
    /^error USAGE: Unknown option '--taget'\.\nhint: Did you mean --target\?\n$/,
  )
  assert.match((await type(['status'], root)).out, / 1 +2 +behind +index/)
})

test("[K6] help and hints speak the app's own words, and moult's --config and --version are not there", async (t) => {
  const root = makeRoot(t)
  const help = await type(['--help'], root)
  assert.match(help.out, /^Usage: clankers migrate /)
  assert.doesNotMatch(help.out, /--config|--version|moult/)
  assert.match((await type(['upgrade', 'x'], root)).err, /hint: clankers migrate upgrade --help/)
  assert.equal((await type(['--config', 'x'], root)).code, 2)
})

test('[K6] --data-dir moves the state for one call', async (t) => {
  const root = makeRoot(t)
  const other = makeRoot(t)
  assert.equal((await type(['--data-dir', other], root)).code, 0)
  assert.deepEqual(readdirSync(root), [])
  assert.ok(readdirSync(other).includes('clankers.db'))
})

test('[A9] a terminal gets colours and a line of progress that is gone at the end; NO_COLOR takes the colours', async (t) => {
  const root = makeRoot(t)
  const before = process.env['NO_COLOR']
  t.after(() => {
    if (before === undefined) delete process.env['NO_COLOR']
    else process.env['NO_COLOR'] = before
  })
  delete process.env['NO_COLOR']
  const options = { ...clankers, isTTY: true }
  assert.ok((await type(['status'], root, options)).out.includes('\u001B[33mfresh\u001B[39m'))
  const run = await type([], root, options)
  assert.ok(run.err.includes('\r\u001B[Ksessions/index 1/2'))
  assert.ok(run.err.endsWith('\r\u001B[K'))
  process.env['NO_COLOR'] = '1'
  assert.ok(!(await type(['status'], root, options)).out.includes('\u001B'))
})

test('[K6] a signal that has come already changes nothing and returns 130', async (t) => {
  const root = makeRoot(t)
  assert.equal((await type([], root, { ...clankers, signal: AbortSignal.abort() })).code, 130)
  assert.deepEqual(readdirSync(root), [])
})
