import type { Command } from '../command.js'
import { findingsOfRun } from '../document.js'
import { exitDone } from '../exit-code.js'
import { plain } from '../paint.js'
import { renderLeft, renderSteps } from '../render.js'
import { backupFlags, backupOption } from './backup-policy.js'
import { dryRunFlags, dryRunOption, renderRehearsal } from './dry-run.js'
import { targetFlag, targetOption } from './target.js'
import { waitFlag, waitOption } from './wait.js'

export const upgrade: Command = {
  name: 'upgrade',
  about: 'bring the state to its newest version, or to the targets',
  flags: [targetFlag, ...dryRunFlags, ...backupFlags, waitFlag],
  isRun: true,
  run: async ({ state, options, isVerbose, signal, onEvent }) => {
    const report = await state.upgrade({
      ...targetOption(options),
      ...waitOption(options),
      ...backupOption(options),
      ...dryRunOption(options),
      signal,
      onEvent,
    })
    const newer = report.stores.filter((store) => store.status === 'newer')
    return {
      exit: exitDone,
      lines: [
        `${plain(report.root)}: ${report.dryRun ? 'dry run: ' : ''}${report.outcome}`,
        ...renderSteps(report.steps),
        ...(report.backup === null ? [] : [`backup: ${report.backup}`]),
        ...newer.map(
          ({ name, version, head }) =>
            `${name} is at version ${version}, which is newer than this program (${head}); it may be used.`,
        ),
        ...renderLeft(report.stores, isVerbose),
        ...renderRehearsal(report),
      ],
      findings: findingsOfRun(report),
    }
  },
}
