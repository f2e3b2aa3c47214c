import type { BackupPolicy } from '../../index.js'
import type { CommandFlag, CommandOptions } from '../command.js'

export const backupFlags: readonly CommandFlag[] = [
  { flag: '--no-backup', about: 'make no backup before the first write' },
  { flag: '--force', about: 'go on if no backup can be made' },
]

/** `--force` is the weaker wish of the two. */
export function backupOption({ backup, force }: CommandOptions): { readonly backup?: BackupPolicy } {
  if (backup === false) return { backup: 'none' }
  return force === true ? { backup: 'try' } : {}
}
