import type { HistoryEntry } from '../../index.js'
import type { Command } from '../command.js'
import { exitDone } from '../exit-code.js'
import { alignRows, nameStep } from '../render.js'

export const history: Command = {
  name: 'history',
  about: 'show every step ever run here: when, how long, by which app version, result, error',
  flags: [],
  isRun: false,
  run: async ({ state, isVerbose, paint }) => {
    const entries = await state.history()
    const more = (cells: readonly string[]): readonly string[] => (isVerbose ? cells : [])
    const rows = entries.map((entry) => [
      entry.at,
      nameStep(entry),
      entry.direction,
      entry.result,
      `${entry.ms} ms`,
      [entry.app, entry.appVersion ?? ''].join(' ').trim(),
      ...more([entry.run, entry.checksum ?? '-']),
      outcomeOf(entry),
    ])
    return {
      exit: exitDone,
      lines:
        entries.length === 0
          ? ['no step was ever run here']
          : alignRows(
              [['WHEN', 'STEP', 'WAY', 'RESULT', 'TIME', 'BY', ...more(['RUN', 'CHECKSUM']), ''], ...rows],
              (text, row) => (row === 0 ? paint('dim', text) : text),
            ),
      findings: { root: state.root, steps: entries },
    }
  },
}

function outcomeOf({ code, error, reason, was }: HistoryEntry): string {
  if (code !== undefined) return error === undefined ? code : `${code}: ${error}`
  return reason ?? (was === undefined ? '' : `was ${was}`)
}
