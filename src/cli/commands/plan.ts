import type { Command } from '../command.js'
import { exitCodeOfRefusals } from '../exit-code.js'
import { plain } from '../paint.js'
import { alignRows, count, nameStep, renderProblems } from '../render.js'
import { lookAround, renderUnclaimed } from '../unclaimed.js'
import { targetFlag, targetOption } from './target.js'

export const plan: Command = {
  name: 'plan',
  about: 'show the steps an upgrade would run, in order, and why each stands where it does',
  flags: [targetFlag],
  isRun: false,
  run: async ({ state, options, isVerbose, paint }) => {
    const { root, steps, refusals, unfinished } = await state.plan(targetOption(options))
    const { unclaimed } = steps.length === 0 ? { unclaimed: [] } : await lookAround(state, isVerbose)
    const heading =
      refusals.length > 0
        ? 'an upgrade would be refused'
        : steps.length === 0
          ? 'nothing to do'
          : count(steps.length, 'step')
    const rows = steps.map((step, index) => [`${index + 1}.`, nameStep(step), step.because])
    return {
      exit: exitCodeOfRefusals(refusals),
      lines: [
        `${plain(root)}: ${heading}`,
        ...alignRows(rows),
        ...(unfinished
          ? ['', 'unfinished: an upgrade is under way or was cut off; the next one finishes or undoes it first.']
          : []),
        ...renderUnclaimed(unclaimed ?? [], isVerbose),
        ...renderProblems(refusals, paint),
      ],
      findings: {
        root,
        steps: steps.map((step) => ({ ...step, direction: 'up', result: 'planned', ms: null, changes: null })),
        problems: refusals,
      },
    }
  },
}
