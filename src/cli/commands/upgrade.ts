import type { BackupPolicy } from '../../index.js'
import type { Command, CommandOptions } from '../command.js'
import { findingsOfRun } from '../document.js'
import { exitDone } from '../exit-code.js'
import { plain } from '../paint.js'
import { alignRows, nameStep, renderChanges, renderLeft } from '../render.js'
import { targetFlag, targetOption } from './target.js'
import { waitFlag, waitOption } from './wait.js'

export const upgrade: Command = {
  name: 'upgrade',
  about: 'bring the state to its newest version, or to the targets',
  flags: [
    targetFlag,
    { flag: '--no-backup', about: 'make no backup before the first write' },
    { flag: '--force', about: 'go on if no backup can be made' },
    waitFlag,
  ],
  isRun: true,
  run: async ({ state, options, isVerbose, signal, onEvent }) => {
    const report = await state.upgrade({
      ...targetOption(options),
      ...waitOption(options),
      ...backupOption(options),
      signal,
      onEvent,
    })
    const newer = report.stores.filter((store) => store.status === 'newer')
    const rows = report.steps.map((step) => [
      nameStep(step),
      step.result,
      `${step.ms} ms`,
      step.reason ?? renderChanges(step.changes),
    ])
    return {
      exit: exitDone,
      lines: [
        `${plain(report.root)}: ${report.outcome}`,
        ...alignRows(rows),
        ...(report.backup === null ? [] : [`backup: ${report.backup}`]),
        ...newer.map(
          ({ name, version, head }) =>
            `${name} is at version ${version}, which is newer than this program (${head}); it may be used.`,
        ),
        ...renderLeft(report.stores, isVerbose),
      ],
      findings: findingsOfRun(report),
    }
  },
}

/** `--force` is the weaker wish of the two. */
function backupOption({ backup, force }: CommandOptions): { readonly backup?: BackupPolicy } {
  if (backup === false) return { backup: 'none' }
  return force === true ? { backup: 'try' } : {}
}
