import { errorTable, isMoultError } from '../index.js'
import type { Problem, RunReport } from '../index.js'

export const exitDone = 0
export const exitUnexpected = 1
const exitUnfinished = 6

/** What the process ends with when a command threw `error`. */
export function exitCodeOf(error: unknown): number {
  if (!isMoultError(error)) return exitUnexpected
  const outcome: RunReport['outcome'] | undefined = error.report?.outcome
  if (outcome === 'unfinished' || outcome === 'damaged') return exitUnfinished
  return exitOf(error.code) ?? exitUnexpected
}

/** The exit code of refusals: that of the first, as `upgrade` throws it. */
export function exitCodeOfRefusals(refusals: readonly Problem[]): number {
  const [first] = refusals
  return first === undefined ? exitDone : (exitOf(first.code) ?? exitOf('STORE_UNREADABLE') ?? exitUnexpected)
}

/** What is found by looking is refused or locked, or else damage: no run has failed and been put back. */
export function exitCodeOfProblems(problems: readonly Problem[]): number {
  const codes = problems
    .map(({ code }) => exitOf(code))
    .map((exit) => (exit === 4 || exit === 5 ? exit : exitUnfinished))
  return codes.length === 0 ? exitDone : Math.max(...codes)
}

function exitOf(code: string): number | null {
  return (errorTable as Readonly<Record<string, { readonly exit: number }>>)[code]?.exit ?? null
}
