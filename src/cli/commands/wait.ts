import { CliFailure } from '../cli-failure.js'
import type { CommandFlag, CommandOptions } from '../command.js'

export const waitFlag: CommandFlag = {
  flag: '--wait <SECONDS>',
  about: 'how long to wait for other processes (default: 30)',
  read: readSeconds,
}

/** As the API takes it, in milliseconds. */
export function waitOption({ wait }: CommandOptions): { readonly waitMs?: number } {
  return wait === undefined ? {} : { waitMs: wait * 1000 }
}

/** A day is longer than anybody waits, and far below what a timer can hold. */
const longestWait = 86_400

function readSeconds(value: string): number {
  if (/^\d+(\.\d+)?$/.test(value) && Number(value) <= longestWait) return Number(value)
  throw new CliFailure(
    'USAGE',
    `--wait takes seconds, not '${value}'.`,
    `For example --wait 60, or --wait 0 for a single try; at most ${longestWait}.`,
  )
}
