import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'

export interface Child {
  readonly pid: number
  /** Everything it printed so far, line by line. */
  readonly lines: readonly string[]
  /** Resolves with the rest of the first line, not yet waited for, that starts with this word. */
  says(word: string): Promise<string>
  /** Lets a script that waits in `told()` go on. */
  tell(): void
  kill(signal: NodeJS.Signals): void
  readonly ended: Promise<number | null>
}

const prelude = `
  import * as lock from '#moult/drivers/lock.js'
  import * as fs from 'node:fs'
  import { createInterface } from 'node:readline'
  import { setTimeout as sleep } from 'node:timers/promises'
  const root = process.argv[1]
  const say = (...words) => fs.writeSync(1, words.join(' ') + '\\n')
  const told = () => new Promise((go) => createInterface({ input: process.stdin }).once('line', go))
`

/** A real process that runs `script` with `lock`, `root`, `say`, `told`, `sleep` and `fs` at hand. */
export function startChild(t: TestContext, root: string, script: string, flags: readonly string[] = []): Child {
  const args = [...flags, '--input-type=module', '-e', `${prelude}\n${script}`, root]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines: string[] = []
  let waited = 0
  let wake: () => void = () => {}
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line)
    wake()
  })
  const ended = new Promise<number | null>((resolve) => child.on('exit', (code) => resolve(code)))
  void ended.then(() => wake())
  t.after(() => child.kill('SIGKILL'))
  return {
    pid: child.pid!,
    lines,
    async says(word) {
      for (;;) {
        const at = lines.findIndex((line, index) => index >= waited && line.split(' ')[0] === word)
        if (at !== -1) {
          waited = at + 1
          return lines[at]!.slice(word.length + 1)
        }
        if (child.exitCode !== null || child.signalCode !== null)
          throw new Error(`the child ended without saying ${word}: ${lines.join('\n')}`)
        await new Promise<void>((resolve) => (wake = resolve))
      }
    },
    tell: () => void child.stdin.write('\n'),
    kill: (signal) => void process.kill(child.pid!, signal),
    ended,
  }
}
