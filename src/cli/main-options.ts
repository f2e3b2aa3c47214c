import type { Output } from './paint.js'

export interface MainOptions {
  readonly cwd: string
  readonly stdout: Output
  readonly stderr: Output
  readonly signal: AbortSignal
  /** Another copy of moult has called this one, the project's own: it does not look for another. */
  readonly isHandedOver?: boolean
}

/** What one copy of moult asks of another: the exit code of a command. */
export type Main = (args: readonly string[], options: MainOptions) => Promise<number>
