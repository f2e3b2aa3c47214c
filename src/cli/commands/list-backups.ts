import type { Command } from '../command.js'
import { exitDone } from '../exit-code.js'
import { plain } from '../paint.js'
import { alignRows, megabytes } from '../render.js'

export const listBackups: Command = {
  name: 'list-backups',
  about: 'show the backups there are, the oldest first',
  flags: [],
  isRun: false,
  run: async ({ state }) => {
    const backups = await state.backups.list()
    const rows = backups.map(({ id, createdAt, appVersion, cause, reason, bytes, moment, whole }) => [
      id,
      createdAt,
      appVersion ?? '-',
      megabytes(bytes),
      { command: 'asked for', run: 'before an upgrade', restore: 'before a restore' }[cause],
      [whole ? '' : 'damaged', moment === 'fuzzy' ? 'of no one moment' : '', reason ?? ''].filter(Boolean).join('; '),
    ])
    return {
      exit: exitDone,
      lines:
        rows.length === 0
          ? ['no backups']
          : alignRows([['ID', 'MADE', 'APP', 'SIZE', 'WHY', ''], ...rows]).map((line) => plain(line.trimEnd())),
      findings: { root: state.root, backups },
    }
  },
}
