import { CliFailure } from '../cli-failure.js'
import type { Command } from '../command.js'
import { findingsOfRun } from '../document.js'
import { exitDone } from '../exit-code.js'
import { plain } from '../paint.js'
import { alignRows, nameStep, renderChanges, renderLeft } from '../render.js'
import { targetFlag, targetOption } from './target.js'

export const upgrade: Command = {
  name: 'upgrade',
  about: 'bring the state to its newest version, or to the targets',
  flags: [
    targetFlag,
    { flag: '--wait <SECONDS>', about: 'how long to wait for other processes (default: 30)', read: readSeconds },
  ],
  isRun: true,
  run: async ({ state, options, isVerbose, signal, onEvent }) => {
    const waiting = options.wait === undefined ? {} : { waitMs: options.wait * 1000 }
    const report = await state.upgrade({ ...targetOption(options), ...waiting, signal, onEvent })
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

/** A day is longer than anybody waits, and far below what a timer can hold. */
const longestWait = 86_400

function readSeconds(value: string): number {
  if (/^\d+(\.\d+)?$/.test(value) && Number(value) <= longestWait) return Number(value)
  throw new CliFailure(
    'USAGE',
    `--wait takes seconds, not '${value}'.`,
    `For example --wait 60, or --wait 0 for a single try; at most ${longestWait}.`,
  )
}
