import { directory } from 'moult'
import * as v from 'valibot'
import { feedback } from './feedback.js'

const ToolSignal = v.looseObject({ signalType: v.picklist(['ToolFailure', 'ToolSuccess']) })

/** `tool-calls/{sessionId}.jsonl`: how tools fared. It was a part of the feedback until version 1. */
export const toolCalls = directory('tool-calls', { path: 'tool-calls', files: '*.jsonl' }).step('split-from-feedback', {
  // Both stores commit together: no line can be in both, or in neither.
  writes: { feedback: feedback.at('signal-names') },
  async up({ files, stores }) {
    for await (const file of stores.feedback.glob('*.jsonl')) {
      // Lines are moved as the text they are: nothing in them is meant to change.
      const lines = (await stores.feedback.text(file)).split('\n').filter((line) => line.trim() !== '')
      const moved = lines.filter((line) => v.is(ToolSignal, JSON.parse(line)))
      if (moved.length === 0) continue
      const kept = lines.filter((line) => !moved.includes(line))
      await files.write(file, linesToText(moved))
      if (kept.length > 0) await stores.feedback.write(file, linesToText(kept))
      else await stores.feedback.delete(file)
    }
  },
})

function linesToText(lines: readonly string[]): string {
  return `${lines.join('\n')}\n`
}
