import type { BackupInfo } from '../../index.js'
import { CliFailure } from '../cli-failure.js'
import type { Command } from '../command.js'
import { findingsOfRun } from '../document.js'
import { exitDone } from '../exit-code.js'
import { plain } from '../paint.js'
import { renderStores } from '../render.js'
import { waitFlag, waitOption } from './wait.js'

export const restore: Command = {
  name: 'restore',
  about: 'put a backup in the place of the state; what is there is kept as a backup of its own',
  argument: { name: '<ID>', about: 'as list-backups shows it' },
  flags: [{ flag: '--skip-verify', about: 'take it although its digests say that it has changed' }, waitFlag],
  isRun: true,
  run: async ({ state, options, words, paint, signal, onEvent }) => {
    const [id] = words
    if (id === undefined) throw new CliFailure('USAGE', 'restore takes the id of a backup.', 'list-backups shows them.')
    const from = (await state.backups.list()).find((each) => each.id === id)
    const report = await state.backups.restore(id, {
      skipVerify: options.skipVerify ?? false,
      ...waitOption(options),
      signal,
      onEvent,
    })
    return {
      exit: exitDone,
      lines: [
        `${plain(report.root)}: restored from ${id}`,
        `what was there: ${report.backup ?? ''}`,
        ...renderStores(report.stores, paint),
        ...whoGoesOn(from),
      ],
      findings: findingsOfRun(report),
    }
  },
}

/** Whoever restores went back for a reason: which program leaves the data as it is, and which one changes it again. */
function whoGoesOn(from: BackupInfo | undefined): string[] {
  if (from === undefined) return []
  const version = from.appVersion === null ? '' : ` by ${from.appVersion}`
  return [
    '',
    plain(
      `This is the state of ${from.createdAt}, backed up${version}. A program with pending steps upgrades it again when it is started: to stay here, start the one that wrote it.`,
    ),
  ]
}
