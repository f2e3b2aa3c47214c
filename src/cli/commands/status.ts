import type { PlanReport, StatusReport } from '../../index.js'
import type { Command, CommandCall } from '../command.js'
import type { DocumentError } from '../document.js'
import { exitCodeOfRefusals, exitDone } from '../exit-code.js'
import { plain } from '../paint.js'
import { renderLeft, renderProblems, renderStores } from '../render.js'
import { lookAround, renderUnclaimed } from '../unclaimed.js'

export const status: Command = {
  name: 'status',
  about: 'show each store: version, head, status, pending steps',
  flags: [
    { flag: '--check', about: 'exit 3 if an upgrade is pending, 4 if it would be refused, 6 if one is unfinished' },
  ],
  isRun: false,
  run: async ({ state, options, isVerbose, paint }) => {
    const report = await lookAround(state, isVerbose)
    const failed = options.check === true ? judge(report, await state.plan()) : null
    const { root, stores, problems, unclaimed } = report
    return {
      exit: failed?.exit ?? exitDone,
      lines: [
        plain(root),
        ...renderStores(stores, paint),
        ...renderNotes(report, isVerbose),
        ...renderProblems(problems, paint),
      ],
      findings: {
        root,
        stores,
        problems,
        error: failed?.error ?? null,
        ...(isVerbose && unclaimed !== null ? { unclaimed } : {}),
      },
    }
  },
}

/** What `--check` found, the worst first; null when there is nothing to do. */
function judge(
  { unfinished, root }: StatusReport,
  { steps, refusals }: PlanReport,
): { readonly exit: number; readonly error: DocumentError } | null {
  if (unfinished)
    return {
      exit: 6,
      error: {
        code: 'UNFINISHED',
        message: `An upgrade of ${root} is under way or was cut off.`,
        hint: 'Wait for it, or run the upgrade: it finishes or undoes what was left.',
        details: {},
      },
    }
  const [refusal] = refusals
  if (refusal)
    return {
      exit: exitCodeOfRefusals(refusals),
      error: { code: refusal.code, message: refusal.message, hint: refusal.hint, details: {} },
    }
  if (steps.length === 0) return null
  return {
    exit: 3,
    error: {
      code: 'UPGRADE_PENDING',
      message: `${root} needs an upgrade.`,
      hint: 'Run the upgrade.',
      details: {},
    },
  }
}

function renderNotes({ stores, unclaimed, unfinished }: StatusReport, isVerbose: CommandCall['isVerbose']): string[] {
  const unchecked = isVerbose ? stores.filter((store) => store.unchecked.length > 0) : []
  return [
    ...(unfinished
      ? ['', 'unfinished: an upgrade is under way or was cut off; the next one finishes or undoes it.']
      : []),
    ...renderLeft(stores, isVerbose),
    ...unchecked.flatMap(({ name, unchecked: steps }) => [
      '',
      `${name}: unchecked, because one side has no checksum: ${plain(steps.join(', '))}`,
    ]),
    ...renderUnclaimed(unclaimed ?? [], isVerbose),
  ]
}
