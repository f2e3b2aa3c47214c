import type { RunEvent, State } from '../index.js'
import type { Findings } from './document.js'
import type { Paint } from './paint.js'

/** What stands behind the command's name, checked. */
export interface CommandOptions {
  readonly check?: boolean
  readonly target?: readonly string[]
  readonly acceptEdited?: readonly string[]
  /** Seconds. */
  readonly wait?: number
  readonly backup?: boolean
  readonly backups?: boolean
  readonly force?: boolean
  readonly dryRun?: boolean
  readonly scratch?: string
  readonly reason?: string
  readonly compress?: boolean
  readonly skipVerify?: boolean
  readonly keep?: number
}

export interface CommandCall {
  readonly state: State
  readonly options: CommandOptions
  /** The words after the command, for one that takes some. */
  readonly words: readonly string[]
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
  readonly name:
    | 'status'
    | 'plan'
    | 'upgrade'
    | 'downgrade'
    | 'verify'
    | 'history'
    | 'stamp'
    | 'backup'
    | 'list-backups'
    | 'restore'
    | 'prune-backups'
  readonly about: string
  readonly flags: readonly CommandFlag[]
  /** The words it takes without a flag, as the help shows them: `<ID>`, or `<T...>` for several. */
  readonly argument?: { readonly name: string; readonly about: string }
  /** It changes the state, and so an interruption waits until everything is put back. */
  readonly isRun: boolean
  readonly run: (call: CommandCall) => Promise<CommandAnswer>
}
