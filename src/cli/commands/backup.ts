import type { BackupInfo } from '../../index.js'
import type { Command } from '../command.js'
import { exitDone } from '../exit-code.js'
import { plain } from '../paint.js'
import { megabytes } from '../render.js'
import { waitFlag, waitOption } from './wait.js'

export const backup: Command = {
  name: 'backup',
  about: 'copy all stores as they are at one moment, and read the copies back',
  flags: [
    { flag: '--reason <TEXT>', about: 'why, for the list', read: (value) => value },
    { flag: '--compress', about: 'pack every file with gzip' },
    waitFlag,
  ],
  isRun: true,
  run: async ({ state, options, signal, onEvent }) => {
    const made = await state.backups.create({
      ...(options.reason === undefined ? {} : { reason: options.reason }),
      compress: options.compress ?? false,
      ...waitOption(options),
      signal,
      onEvent,
    })
    return {
      exit: exitDone,
      lines: [`backup: ${made.id} (${megabytes(made.bytes)})`, ...notesOn(made)],
      findings: { root: state.root, backup: made.id, backups: [made] },
    }
  },
}

function notesOn({ moment, whole }: BackupInfo): string[] {
  return [
    ...(moment === 'fuzzy' ? ['some files changed while they were copied: it is of no one moment'] : []),
    ...(whole ? [] : [plain('a database is damaged, and was copied as it is: verify --backups says which')]),
  ]
}
