import { fillDocument, findingsOfError } from './document.js'
import { exitUnexpected } from './exit-code.js'
import { makePaint } from './paint.js'
import type { Output } from './paint.js'
import { parseArgs } from './parse-args.js'
import { showError } from './show-error.js'

/**
 * For a process that ends before its command did: a config or a step waits for what never comes, or calls
 * `process.exit`. Nobody may take that for success, whatever code it ends with. Writes at once: nothing comes after.
 */
export function reportCutOff(
  args: readonly string[],
  { stdout, stderr, isDry }: { readonly stdout: Output; readonly stderr: Output; readonly isDry: boolean },
): number {
  const error = new Error(
    isDry
      ? 'The command never came to its end: the config or a step waits for something that never comes, like a promise that nobody resolves.'
      : 'The command was cut off: the config, a step or something that they use ended the process.',
  )
  if (args.includes('--json'))
    stdout.write(`${JSON.stringify(fillDocument(commandIn(args), exitUnexpected, findingsOfError(error)))}\n`)
  stderr.write(`${showError(error, makePaint(stderr), false).join('\n')}\n`)
  return exitUnexpected
}

function commandIn(args: readonly string[]): string | null {
  try {
    const parsed = parseArgs(args, { name: 'moult', defaultCommand: null, own: { version: '' } })
    return parsed.is === 'command' ? parsed.command.name : null
  } catch {
    // The project's own copy may know commands that this one does not
    return null
  }
}
