import type { Command } from '../command.js'
import { exitDone } from '../exit-code.js'
import { alignRows, nameStep } from '../render.js'

export const history: Command = {
  name: 'history',
  about: 'show every step ever run here: when, how long, by which app version, result, error',
  flags: [],
  isRun: false,
  run: async ({ state, paint }) => {
    const entries = await state.history()
    const rows = entries.map((entry) => [
      entry.at,
      nameStep(entry),
      entry.direction,
      entry.result,
      `${entry.ms} ms`,
      [entry.app, entry.appVersion ?? ''].join(' ').trim(),
      entry.error ?? entry.reason ?? '',
    ])
    return {
      exit: exitDone,
      lines:
        entries.length === 0
          ? ['no step was ever run here']
          : alignRows([['WHEN', 'STEP', 'WAY', 'RESULT', 'TIME', 'BY', ''], ...rows], (text, row) =>
              row === 0 ? paint('dim', text) : text,
            ),
      findings: { root: state.root, steps: entries },
    }
  },
}
