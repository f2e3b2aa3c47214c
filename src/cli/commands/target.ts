import type { Target } from '../../index.js'
import type { CommandFlag, CommandOptions } from '../command.js'

export const targetFlag: CommandFlag = {
  flag: '--target <T>',
  about: 'go only so far: store@version or store@step; may be given several times',
  read: (value, before) => [...((before as readonly string[] | undefined) ?? []), value],
}

export const acceptEditedFlag: CommandFlag = {
  flag: '--accept-edited <T>',
  about: 'go on although this step, store@step, was edited after it had been applied; may be given several times',
  read: targetFlag.read ?? String,
}

/** The targets as the API takes them, which is where they are looked up. */
export function targetOption({ target }: CommandOptions): { readonly target?: readonly Target[] } {
  return target === undefined ? {} : { target: target as readonly Target[] }
}
