import type { Command } from './command.js'
import { backup } from './commands/backup.js'
import { downgrade } from './commands/downgrade.js'
import { history } from './commands/history.js'
import { listBackups } from './commands/list-backups.js'
import { plan } from './commands/plan.js'
import { pruneBackups } from './commands/prune-backups.js'
import { restore } from './commands/restore.js'
import { stamp } from './commands/stamp.js'
import { status } from './commands/status.js'
import { upgrade } from './commands/upgrade.js'
import { verify } from './commands/verify.js'

/** All commands, as the help lists them. */
export const commands: readonly Command[] = [
  status,
  plan,
  upgrade,
  downgrade,
  verify,
  history,
  stamp,
  backup,
  listBackups,
  restore,
  pruneBackups,
]
