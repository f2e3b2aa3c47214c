import { directory } from 'moult'
import * as v from 'valibot'

// Frozen with the step, as all of a step is: today's enum may have other names in another order.
const signals = ['Correction', 'ToolFailure', 'ToolSuccess', 'ThumbsUp', 'ThumbsDown', 'SessionSummary'] as const

// Logs are only ever appended to, so one that the last releases went on with has both.
const Feedback1 = v.looseObject({ signalType: v.union([v.pipe(v.number(), v.integer()), v.picklist(signals)]) })
const Feedback2 = v.looseObject({ signalType: v.picklist(signals) })

/** `feedback/{sessionId}.jsonl`, a signal a line. */
export const feedback = directory('feedback', { path: 'feedback', files: '*.jsonl' })
  .step('signal-names', {
    description: 'Kinds of signals are names, not numbers',
    async up({ files }) {
      await files.rewrite('*.jsonl', { from: Feedback1, to: Feedback2, each: 'line' }, ({ signalType, ...entry }) => ({
        ...entry,
        signalType: typeof signalType === 'number' ? nameOf(signalType) : signalType,
      }))
    },
  })
  .adopt('oldest')

function nameOf(signal: number): (typeof signals)[number] {
  const name = signals[signal]
  if (name === undefined) throw new Error(`there is no signal ${signal}`)
  return name
}
