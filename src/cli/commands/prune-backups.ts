import { CliFailure } from '../cli-failure.js'
import type { Command } from '../command.js'
import { exitDone } from '../exit-code.js'
import { count, megabytes } from '../render.js'
import { waitFlag, waitOption } from './wait.js'

const usual = 5

export const pruneBackups: Command = {
  name: 'prune-backups',
  about: `remove all but the newest backups (default: ${usual} stay)`,
  flags: [{ flag: '--keep <N>', about: 'how many stay', read: readCount }, waitFlag],
  isRun: true,
  run: async ({ state, options, signal, onEvent }) => {
    const { removed, freed } = await state.backups.prune({
      keep: options.keep ?? usual,
      ...waitOption(options),
      signal,
      onEvent,
    })
    return {
      exit: exitDone,
      lines: [`${count(removed.length, 'backup')} removed, ${megabytes(freed)} freed`, ...removed],
      findings: { root: state.root, backups: await state.backups.list() },
    }
  },
}

function readCount(value: string): number {
  if (/^\d{1,6}$/.test(value)) return Number(value)
  throw new CliFailure('USAGE', `--keep takes a number, not '${value}'.`, 'For example --keep 5.')
}
