#!/usr/bin/env node
import { main } from './main.js'

const interrupted = 130
const controller = new AbortController()

function interrupt(): void {
  // Whatever a second signal cuts off, the next start finishes or undoes
  if (controller.signal.aborted) process.exit(interrupted)
  process.stderr.write('interrupted: putting back what is under way (once more ends at once)\n')
  controller.abort()
}

// A reader that has seen enough, `moult history | head`, is no failure
for (const output of [process.stdout, process.stderr]) {
  output.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
}

/** A config may have left timers or connections behind, so the end is not waited for; what was written is. */
async function end(code: number): Promise<void> {
  process.exitCode = code
  await Promise.all(
    [process.stdout, process.stderr].map(
      (output) => new Promise<void>((resolve) => void output.write('', () => resolve())),
    ),
  )
  process.exit(code)
}

process.on('SIGINT', interrupt)
process.on('SIGTERM', interrupt)
void main(process.argv.slice(2), {
  cwd: process.cwd(),
  stdout: process.stdout,
  stderr: process.stderr,
  signal: controller.signal,
}).then(end)
