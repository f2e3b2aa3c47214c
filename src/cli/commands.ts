import type { Command } from './command.js'
import { history } from './commands/history.js'
import { plan } from './commands/plan.js'
import { status } from './commands/status.js'
import { upgrade } from './commands/upgrade.js'
import { verify } from './commands/verify.js'

/** All commands, as the help lists them. */
export const commands: readonly Command[] = [status, plan, upgrade, verify, history]
