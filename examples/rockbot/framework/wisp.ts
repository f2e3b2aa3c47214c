import { record, records } from 'moult'
import * as v from 'valibot'

/** Has never changed its shape. Its store is there so that it is backed up, verified, and ready for a step. */
export const WispExecution = record('wisp-execution', { versionKey: false }).version(
  1,
  v.looseObject({ id: v.string(), startedAt: v.string(), success: v.boolean() }),
)

/** `wisp-executions.jsonl`. A power cut tears the last line of such a log; it stays, and every status names it. */
export const wisp = records('wisp', {
  path: 'wisp-executions.jsonl',
  each: 'line',
  record: WispExecution,
}).adopt('oldest')
