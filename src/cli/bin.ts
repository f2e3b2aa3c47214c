#!/usr/bin/env node
import { reportCutOff } from './cut-off.js'
import { main } from './main.js'
import { takeStdout } from './take-stdout.js'

const interrupted = 130
const args = process.argv.slice(2)
const stdout = args.includes('--json') ? takeStdout() : process.stdout
const controller = new AbortController()

/** npm and npx pass on a Ctrl-C that the terminal has sent to their child already. */
const echoMs = 500
let interruptedAt: number | null = null

function interrupt(): void {
  if (interruptedAt === null) {
    interruptedAt = performance.now()
    process.stderr.write('interrupted: putting back what is under way (once more ends at once)\n')
    controller.abort()
    return
  }
  // Whatever this cuts off, the next start finishes or undoes
  if (performance.now() - interruptedAt > echoMs) leave(interrupted)
}

// A reader that has seen enough, `moult history | head`, is no failure
for (const output of new Set([stdout, process.stdout, process.stderr])) {
  output.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
}

let isEnded = false
let isDry = false

function leave(code: number): void {
  isEnded = true
  process.exit(code)
}

/** A config may have left timers or connections behind, so the end is not waited for; what was written is. */
async function end(code: number): Promise<void> {
  isEnded = true
  process.exitCode = code
  await Promise.all(
    [stdout, process.stderr].map((output) => new Promise<void>((resolve) => void output.write('', () => resolve()))),
  )
  process.exit(code)
}

process.on('beforeExit', () => (isDry = true))
process.on('exit', () => {
  if (!isEnded) process.exitCode = reportCutOff(args, { stdout, stderr: process.stderr, isDry })
})
process.on('SIGINT', interrupt)
process.on('SIGTERM', interrupt)
void main(args, { cwd: process.cwd(), stdout, stderr: process.stderr, signal: controller.signal }).then(end)
