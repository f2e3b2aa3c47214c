import { MoultFailure } from '../model/errors.js'

const turnMs = 10
let turnEndedAt = 0

/** Throws `INTERRUPTED` if `signal` is aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return
  throw new MoultFailure('INTERRUPTED', {
    message: 'The run was interrupted.',
    hint: 'Start again when you are ready.',
    details: {},
    cause: signal.reason,
  })
}

/**
 * For long loops of synchronous work: gives way to the event loop about every 10 ms.
 * Throws `INTERRUPTED` if `signal` is aborted, also when it was not yet time to give way.
 */
export async function breathe(signal?: AbortSignal): Promise<void> {
  throwIfAborted(signal)
  if (performance.now() - turnEndedAt < turnMs) return
  await new Promise((resolve) => setImmediate(resolve))
  turnEndedAt = performance.now()
  throwIfAborted(signal)
}
