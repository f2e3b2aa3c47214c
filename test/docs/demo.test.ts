import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { checkout } from '../support/checkout.js'

test('[D5] the demo upgrades an old state, survives a kill, and ends with commands that work as printed', (t) => {
  const env = { ...process.env, INIT_CWD: tmpdir() }
  const { status, stdout, stderr } = spawnSync(process.execPath, ['build/examples/demo/main.js'], {
    cwd: checkout,
    encoding: 'utf8',
    env,
  })
  assert.equal(status, 0, stderr)
  const folder = / {2}rm -r (\S+)\n/.exec(stdout)?.[1] ?? ''
  assert.notEqual(folder, '')
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  assert.doesNotMatch(stdout, /\u001B/, 'no colour into a pipe')
  assert.match(stdout, /^crm +sqlite +crm\.db +2 +2 +current$/m)
  assert.match(stdout, /^unfinished: /m)
  assert.match(stderr, /an earlier run had left/)

  const commands = stdout
    .split('Try it yourself:\n')[1]!
    .split('\n')
    .filter((line) => line.startsWith('  '))
  assert.ok(commands.length >= 5)
  for (const command of commands) {
    const ran = spawnSync('sh', ['-c', command], { cwd: tmpdir(), encoding: 'utf8' })
    // Two documents of the old volume are torn, and stay so
    const expected = command.endsWith(' verify') ? 4 : 0
    assert.equal(ran.status, expected, `${command}\n${ran.stdout}${ran.stderr}`)
    if (expected === 4) assert.match(ran.stdout, /^2 problems found\n/)
    assert.ok(ran.stdout !== '' || command.startsWith('  rm '), command)
  }
  assert.equal(existsSync(folder), false, 'the last command removes everything')
})
