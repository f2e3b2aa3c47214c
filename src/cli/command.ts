import type { RunEvent, State } from '../index.js'
import type { Findings } from './document.js'
import type { Paint } from './paint.js'

/** What stands behind the command's name, checked. */
export interface CommandOptions {
  readonly check?: boolean
  readonly target?: readonly string[]
  /** Seconds. */
  readonly wait?: number
}

export interface CommandCall {
  readonly state: State
  readonly options: CommandOptions
  readonly isVerbose: boolean
  readonly paint: Paint
  readonly signal: AbortSignal
  readonly onEvent: (event: RunEvent) => void
}

export interface CommandAnswer {
  readonly exit: number
  readonly lines: readonly string[]
  readonly findings: Findings
}

export interface CommandFlag {
  /** As the help shows it: `--target <T>`. */
  readonly flag: string
  readonly about: string
  /** What the next value makes of those before it. Throws USAGE. Without it the flag is a switch. */
  readonly read?: (value: string, before: unknown) => unknown
}

/** One command of the CLI. */
export interface Command {
  readonly name: 'status' | 'plan' | 'upgrade' | 'verify' | 'history'
  readonly about: string
  readonly flags: readonly CommandFlag[]
  /** It changes the state, and so an interruption waits until everything is put back. */
  readonly isRun: boolean
  readonly run: (call: CommandCall) => Promise<CommandAnswer>
}
