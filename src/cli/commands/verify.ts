import type { Command } from '../command.js'
import { exitCodeOfProblems } from '../exit-code.js'
import { count, renderProblems } from '../render.js'

export const verify: Command = {
  name: 'verify',
  about: 'look into every store: markers, contents, integrity, foreign keys, record versions, leftovers',
  flags: [{ flag: '--backups', about: 'read all backups, too' }],
  isRun: false,
  run: async ({ state, options, paint }) => {
    const { problems } = await state.verify({ backups: options.backups ?? false })
    return {
      exit: exitCodeOfProblems(problems),
      lines: [
        problems.length === 0 ? 'no problems found' : `${count(problems.length, 'problem')} found`,
        ...renderProblems(problems, paint),
      ],
      findings: { root: state.root, problems },
    }
  },
}
