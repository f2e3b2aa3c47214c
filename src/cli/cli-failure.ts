import type { ErrorCode } from '../index.js'

/** What goes wrong before a state is reached; recognised like every error of moult. */
export class CliFailure extends Error {
  readonly '~moult' = 1
  readonly code: ErrorCode
  readonly hint: string
  readonly details: { readonly path?: string }

  constructor(
    code: ErrorCode,
    message: string,
    hint: string,
    options: { readonly path?: string; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'MoultError'
    this.code = code
    this.hint = hint
    this.details = options.path === undefined ? {} : { path: options.path }
  }
}

/** The first line of what somebody else threw. */
export function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? ''
}
