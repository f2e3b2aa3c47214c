// `npm run demo`: an agent's data as an old release left it, upgraded; then once more, killed in the middle.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runCli } from 'moult/cli'
import { makeOldState, state } from '../rockbot/index.js'

const checkout = fileURLToPath(new URL('../../../', import.meta.url))
const isPlain = !process.stdout.isTTY || Boolean(process.env['NO_COLOR']) || process.env['TERM'] === 'dumb'

function emphasize(text: string): string {
  return isPlain ? text : `\u001B[1m${text}\u001B[22m`
}

function say(...lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`)
}

/** Shows a command and runs it, as the command line would. */
async function show(root: string, ...args: readonly string[]): Promise<void> {
  say('', emphasize(`$ moult ${args.join(' ')}`))
  const exit = await runCli(state.in(root), args)
  if (exit !== 0) throw new Error(`moult ${args.join(' ')} ended with ${exit}`)
}

function makeState(folder: string, name: string): string {
  const root = join(folder, name)
  mkdirSync(root)
  makeOldState(root)
  return root
}

/** Upgrades in a process of its own, which is killed in the middle: nothing is cleaned up, nobody is told. */
function upgradeAndDie(root: string): void {
  const { signal } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), 'die', root], { stdio: 'inherit' })
  if (signal !== 'SIGKILL') throw new Error('the upgrade that was to be killed came to its end')
}

async function die(root: string): Promise<void> {
  let steps = 0
  await state.in(root).upgrade({
    onEvent: ({ type }) => {
      if (type === 'step' && ++steps === 16) process.kill(process.pid, 'SIGKILL')
    },
  })
}

/** A path as the shell takes it, as short as it can be from where `npm run demo` was typed. */
function shellPath(path: string): string {
  const from = process.env['INIT_CWD'] ?? process.cwd()
  const near = relative(from, path)
  const short = near.startsWith('..') ? path : near
  return /^[\w./@%+=:,-]+$/.test(short) ? short : `'${short.replaceAll("'", "'\\''")}'`
}

async function demo(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'moult-demo-'))
  const root = makeState(folder, 'agent')
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length
  say(
    emphasize('An agent was updated. This is the data its old release left:'),
    `${files} files in ${root}: memories, skills, logs, a SQLite database. No store says its version yet.`,
  )
  await show(root, 'status')

  say('', emphasize('What an upgrade would do, in one order over all stores:'))
  await show(root, 'plan')

  say('', emphasize('The upgrade. No store changes before every step has run; then all is committed:'))
  await show(root, 'upgrade')
  say('', 'Two documents were torn long ago. They kept their bytes, and every status names them.')
  await show(root, 'status')

  const second = makeState(folder, 'killed')
  say(
    '',
    emphasize('The same old data once more, and the process is killed in the middle of the upgrade:'),
    `${second}: every store is as it was. The next start takes away what was left, and upgrades.`,
  )
  upgradeAndDie(second)
  await show(second, 'status')
  await show(second, 'upgrade')

  const [backup] = readdirSync(join(root, '.moult/backups'))
  const moult = `node ${shellPath(join(checkout, 'dist/cli/bin.js'))} --config ${shellPath(join(checkout, 'examples/rockbot/moult.config.ts'))} --data-dir ${shellPath(root)}`
  say(
    '',
    emphasize('Try it yourself:'),
    ...['verify', 'history', 'list-backups', `restore ${backup}`, 'upgrade', 'status --json'].map(
      (command) => `  ${moult} ${command}`,
    ),
    `  cat ${shellPath(join(root, 'skills/.schema-version'))}`,
    `  rm -r ${shellPath(folder)}`,
    '',
    'The steps are in examples/rockbot/, a first config of your own in README.md.',
  )
}

const [command, root] = process.argv.slice(2)
if (command === 'die' && root !== undefined) await die(root)
else await demo()
