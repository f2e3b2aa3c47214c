import type { State } from '../index.js'
import { CliFailure } from './cli-failure.js'
import type { CommandAnswer } from './command.js'
import { fillDocument, findingsOfError } from './document.js'
import { exitCodeOf } from './exit-code.js'
import { makePaint } from './paint.js'
import type { Output } from './paint.js'
import { parseArgs } from './parse-args.js'
import type { Globals, Parsed, Syntax } from './parse-args.js'
import { reportEvents, reportProgress } from './progress.js'
import { showError } from './show-error.js'
import { untilAborted } from './until-aborted.js'

/** A command line, and what surrounds it. */
export interface Execution {
  readonly args: readonly string[]
  readonly syntax: Syntax
  readonly loadState: (globals: Globals) => Promise<State>
  readonly stdout: Output
  readonly stderr: Output
  readonly signal: AbortSignal
}

/** Reads the arguments, finds the state, runs the command, prints what came of it. Returns the exit code. */
export async function execute(execution: Execution): Promise<number> {
  const { args, syntax, stdout } = execution
  let parsed: Parsed
  try {
    parsed = parseArgs(args, syntax)
  } catch (error) {
    return fail(execution, null, { json: args.includes('--json'), verbose: args.includes('--verbose') }, error)
  }
  if (parsed.is === 'text') {
    stdout.write(parsed.text)
    return 0
  }
  const { command, globals } = parsed
  try {
    const { exit, lines, findings } = await runCommand(execution, parsed)
    stdout.write(
      globals.json === true
        ? `${JSON.stringify(fillDocument(command.name, exit, findings))}\n`
        : `${lines.join('\n')}\n`,
    )
    return exit
  } catch (error) {
    return fail(execution, command.name, globals, error)
  }
}

async function runCommand(
  execution: Execution,
  { command, words, options, globals }: Extract<Parsed, { is: 'command' }>,
): Promise<CommandAnswer> {
  const { signal, stdout, stderr } = execution
  if (signal.aborted)
    throw new CliFailure('INTERRUPTED', 'Interrupted. Nothing was changed.', 'Start again when you are ready.')
  const progress = globals.events === true ? reportEvents(stderr) : reportProgress(stderr)
  const state = await untilAborted(signal, execution.loadState(globals))
  const call = {
    state,
    words,
    options,
    isVerbose: globals.verbose === true,
    paint: makePaint(stdout),
    signal,
    onEvent: progress.onEvent,
  }
  try {
    return await (command.isRun ? command.run(call) : untilAborted(signal, command.run(call)))
  } finally {
    progress.end()
  }
}

function fail({ stdout, stderr }: Execution, command: string | null, globals: Globals, error: unknown): number {
  const exit = exitCodeOf(error)
  if (globals.json === true) stdout.write(`${JSON.stringify(fillDocument(command, exit, findingsOfError(error)))}\n`)
  stderr.write(`${showError(error, makePaint(stderr), globals.verbose === true).join('\n')}\n`)
  return exit
}
