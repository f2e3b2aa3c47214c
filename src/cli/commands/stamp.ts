import type { Target } from '../../index.js'
import { CliFailure } from '../cli-failure.js'
import type { Command } from '../command.js'
import { findingsOfRun } from '../document.js'
import { exitDone } from '../exit-code.js'
import { plain } from '../paint.js'
import { alignRows, nameStep } from '../render.js'
import { backupFlags, backupOption } from './backup-policy.js'
import { dryRunFlags, dryRunOption, renderRehearsal } from './dry-run.js'
import { waitFlag, waitOption } from './wait.js'

export const stamp: Command = {
  name: 'stamp',
  about: 'say which version a store is at, without running a step: for a marker that was lost',
  argument: { name: '<T...>', about: 'store@version, store@step or store/track@step' },
  flags: [
    { flag: '--reason <TEXT>', about: 'why, for the marker and the history', read: (value) => value },
    ...dryRunFlags,
    ...backupFlags,
    waitFlag,
  ],
  isRun: true,
  run: async ({ state, options, words, signal, onEvent }) => {
    const { reason = '' } = options
    if (words.length === 0)
      throw new CliFailure('USAGE', 'stamp takes targets.', 'For example stamp notes@by-year --reason TEXT.')
    if (reason.trim() === '')
      throw new CliFailure(
        'USAGE',
        'stamp needs a reason.',
        'For example --reason "put back by hand after a disk error".',
      )
    const report = await state.stamp(words as readonly Target[], {
      reason,
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
        ...alignRows(report.steps.map((step) => [nameStep(step), step.result])),
        ...(report.backup === null ? [] : [`backup: ${report.backup}`]),
        ...(report.outcome === 'stamped'
          ? ['Nobody has checked that the data fits: verify looks into it.']
          : ['The markers say so already.']),
        ...renderRehearsal(report),
      ],
      findings: findingsOfRun(report),
    }
  },
}
