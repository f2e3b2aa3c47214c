import { CliFailure } from '../cli-failure.js'
import type { Command, CommandFlag } from '../command.js'
import { findingsOfRun } from '../document.js'
import { exitDone } from '../exit-code.js'
import { plain } from '../paint.js'
import { renderLeft, renderSteps } from '../render.js'
import { backupFlags, backupOption } from './backup-policy.js'
import { dryRunFlags, dryRunOption, renderRehearsal } from './dry-run.js'
import { targetFlag, targetOption } from './target.js'
import { waitFlag, waitOption } from './wait.js'

const backFlag: CommandFlag = {
  ...targetFlag,
  about: 'what to go back to: store@version or store@step, store@0 before its first; may be given several times',
}

export const downgrade: Command = {
  name: 'downgrade',
  about: 'undo the steps past the targets, by their down',
  flags: [backFlag, ...dryRunFlags, ...backupFlags, waitFlag],
  isRun: true,
  run: async ({ state, options, isVerbose, signal, onEvent }) => {
    const { target } = targetOption(options)
    if (target === undefined)
      throw new CliFailure(
        'USAGE',
        'downgrade goes back to something: --target is missing.',
        'For example downgrade --target notes@3, or --target notes@by-year. status shows where each store is.',
      )
    const report = await state.downgrade({
      target,
      ...waitOption(options),
      ...backupOption(options),
      ...dryRunOption(options),
      signal,
      onEvent,
    })
    return {
      exit: exitDone,
      lines: [
        `${plain(report.root)}: ${report.dryRun ? 'dry run: ' : ''}${report.outcome}`,
        ...renderSteps(report.steps),
        ...(report.backup === null ? [] : [`backup: ${report.backup}`]),
        ...renderLeft(report.stores, isVerbose),
        ...renderRehearsal(report),
      ],
      findings: findingsOfRun(report),
    }
  },
}
