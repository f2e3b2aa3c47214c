/** Why a text is refused: not JSON, or JSON that cannot be read and written back without changing what it says. */
export type JsonTextProblem = 'syntax' | 'duplicate-key' | 'number' | 'depth'

/** A text that cannot be read. Says where and why, never what stands there. */
export class JsonTextError extends Error {
  readonly problem: JsonTextProblem
  readonly reason: string
  /** From 1. */
  readonly line: number
  /** From 1, in UTF-16 code units; a byte order mark does not count. */
  readonly column: number

  constructor(problem: JsonTextProblem, reason: string, text: string, offset: number) {
    const { line, column } = positionOf(text, offset)
    super(`line ${line}, column ${column}: ${reason}`)
    this.name = 'JsonTextError'
    this.problem = problem
    this.reason = reason
    this.line = line
    this.column = column
  }
}

/** A value that JSON cannot hold. Says where in the value and why; keys are named, contents never. */
export class JsonValueError extends Error {
  /** `$` is the whole value: `$.messages[3].at`. */
  readonly path: string
  readonly reason: string

  constructor(path: readonly (string | number)[], reason: string) {
    const shown = formatPath(path)
    super(`${shown}: ${reason}`)
    this.name = 'JsonValueError'
    this.path = shown
    this.reason = reason
  }
}

function positionOf(text: string, offset: number): { line: number; column: number } {
  let line = 1
  let lineStart = text.charCodeAt(0) === 0xfeff ? 1 : 0
  for (let at = lineStart; at < offset; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x0a || (code === 0x0d && text.charCodeAt(at + 1) !== 0x0a)) {
      line++
      lineStart = at + 1
    }
  }
  return { line, column: offset - lineStart + 1 }
}

function formatPath(path: readonly (string | number)[]): string {
  let shown = '$'
  for (const part of path) {
    if (typeof part === 'number') shown += `[${part}]`
    else shown += /^[A-Za-z_$][\w$]*$/.test(part) ? `.${part}` : `[${JSON.stringify(part)}]`
  }
  return shown
}
