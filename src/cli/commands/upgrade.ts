import type { Target } from '../../index.js'
import type { Command } from '../command.js'
import { findingsOfRun } from '../document.js'
import { exitDone } from '../exit-code.js'
import { plain } from '../paint.js'
import { renderLeft, renderSteps } from '../render.js'
import { backupFlags, backupOption } from './backup-policy.js'
import { dryRunFlags, dryRunOption, renderRehearsal } from './dry-run.js'
import { acceptEditedFlag, targetFlag, targetOption } from './target.js'
import { waitFlag, waitOption } from './wait.js'

export const upgrade: Command = {
  name: 'upgrade',
  about: 'bring the state to its newest version, or to the targets',
  flags: [targetFlag, ...dryRunFlags, ...backupFlags, acceptEditedFlag, waitFlag],
  isRun: true,
  run: async ({ state, options, isVerbose, signal, onEvent }) => {
    const { acceptEdited = [] } = options
    const report = await state.upgrade({
      ...targetOption(options),
      acceptEdited: acceptEdited as readonly Target[],
      ...waitOption(options),
      ...backupOption(options),
      ...dryRunOption(options),
      signal,
      onEvent,
    })
    const accepted = report.steps.filter(({ result }) => result === 'accepted').length
    const newer = report.stores.filter((store) => store.status === 'newer')
    return {
      exit: exitDone,
      lines: [
        `${plain(report.root)}: ${report.dryRun ? 'dry run: ' : ''}${report.outcome}`,
        ...renderSteps(report.steps),
        ...(accepted < acceptEdited.length
          ? [`${accepted} of ${acceptEdited.length} edits accepted; the other steps are here as they were applied.`]
          : []),
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
