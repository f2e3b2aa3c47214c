import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CliProject, configOf, twoSteps } from './cli-project.js'

const mistakes: readonly (readonly [args: readonly string[], says: RegExp])[] = [
  [[], /Say what to do\.\nhint: Commands: status, plan, upgrade, downgrade, verify, history/],
  [['stauts'], /no command 'stauts'\.\nhint: Did you mean status\?/],
  [['upgrade', '--taget', 'db@1'], /Unknown option '--taget'\.\nhint: Did you mean --target\?/],
  [['stauts', '--chekc'], /no command 'stauts'/],
  [['status', '--target', 'db@1'], /Unknown option '--target'/],
  [['upgrade', '--dry-rum'], /Unknown option '--dry-rum'/],
  [['--jsno', 'status'], /Did you mean --json\?/],
  [['upgrade', 'db'], /upgrade takes no 'db'/],
  [['upgrade', '--target'], /'--target <T>' argument missing/],
  [['upgrade', '--wait', 'soon'], /--wait takes seconds, not 'soon'/],
  [['upgrade', '--wait', '-1'], /--wait/],
  [['upgrade', '--wait', '1e9'], /--wait takes seconds/],
  [['restor', 'x'], /no command 'restor'\.\nhint: Did you mean restore\?/],
  [['restore'], /restore takes the id of a backup\.\nhint: list-backups shows them/],
  [['restore', 'x', 'y'], /restore takes no 'y'/],
  [['prune-backups', '--keep', 'all'], /--keep takes a number, not 'all'/],
]

test('[A9] USAGE: unknown commands and flags end with 2 and a hint of the nearest, and nothing is done', async (t) => {
  const project = new CliProject({ 'moult.config.mjs': configOf(twoSteps) })
  t.after(() => project.remove())
  for (const [args, says] of mistakes) {
    const { code, stdout, stderr } = await project.run(args)
    assert.deepEqual([code, stdout], [2, ''], args.join(' '))
    assert.match(stderr, /^error USAGE: .+\nhint: .+\n$/)
    assert.match(stderr, says)
  }
  assert.match((await project.run(['status'])).stdout, / fresh /)
})

test('[A9] USAGE with --json is a document as well', async (t) => {
  const project = new CliProject()
  t.after(() => project.remove())
  const { code, stdout } = await project.run(['stauts', '--json'])
  assert.equal(code, 2)
  const document = JSON.parse(stdout) as { command: null; ok: boolean; error: { code: string; hint: string } }
  assert.deepEqual(
    [document.command, document.ok, document.error.code, document.error.hint],
    [null, false, 'USAGE', 'Did you mean status?'],
  )
})

test('[A9] --help of moult and of each command, and --version, need no config', async (t) => {
  const project = new CliProject()
  t.after(() => project.remove())
  const help = await project.run(['--help'])
  assert.equal(help.code, 0)
  for (const name of ['status', 'plan', 'upgrade', 'verify', 'history']) {
    assert.match(help.stdout, new RegExp(`^  ${name} `, 'm'))
    const { code, stdout } = await project.run([name, '--help'])
    assert.equal(code, 0)
    assert.ok(stdout.startsWith(`Usage: moult ${name}`))
  }
  const version = await project.run(['--version'])
  assert.deepEqual([version.code, /^\d+\.\d+\.\d+\S*\n$/.test(version.stdout)], [0, true])
})
