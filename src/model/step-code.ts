import { MoultFailure, errorTable, isMoultError, systemCode } from './errors.js'
import { isStepSkipped } from './skip.js'

/** How long code that was told to stop may take to clean up behind itself. */
const graceMs = 2000

/**
 * Runs a function of the app's (`up`, `validate`), and throws what the run can work with, whatever the function threw.
 * Code that goes on waiting after the signal is left behind, its handles dead: INTERRUPTED.
 */
export async function runStepCode<T>(signal: AbortSignal, code: () => T | PromiseLike<T>): Promise<T> {
  try {
    return await orInterrupted(signal, code())
  } catch (error) {
    throw tame(error, signal)
  }
}

async function orInterrupted<T>(signal: AbortSignal, work: T | PromiseLike<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  let onAbort = (): void => undefined
  const left = new Promise<never>((_resolve, reject) => {
    const leave = (): void =>
      reject(
        new MoultFailure('INTERRUPTED', {
          message: 'The run was interrupted, and its step did not end by itself.',
          hint: "Heed the step's `signal`, and start again when you are ready.",
          details: {},
          cause: signal.reason,
        }),
      )
    onAbort = () => {
      timer = setTimeout(leave, graceMs)
    }
  })
  if (signal.aborted) onAbort()
  else signal.addEventListener('abort', onAbort)
  try {
    return await Promise.race([work, left])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  }
}

/**
 * Anything can be thrown: objects that throw when they are looked at, and errors of another state that this step used,
 * which say nothing of this run.
 */
function tame(thrown: unknown, signal: AbortSignal): unknown {
  try {
    if (thrown === null || typeof thrown !== 'object' || isStepSkipped(thrown)) return thrown
    systemCode(thrown)
    if (!(thrown instanceof Error)) return new Error(`it threw an object that is no error`, { cause: thrown })
    if (typeof thrown.message !== 'string' || typeof thrown.name !== 'string') throw new TypeError('no text')
    return isMoultError(thrown) && isAnothers(thrown, signal) ? new Error(thrown.message, { cause: thrown }) : thrown
  } catch {
    return new Error('it threw an error that cannot be looked at', { cause: thrown })
  }
}

function isAnothers(error: MoultFailure, signal: AbortSignal): boolean {
  if (error.report !== undefined || !Object.isExtensible(error)) return true
  if (error.code === 'INTERRUPTED') return !signal.aborted
  return [5, 6].includes(errorTable[error.code]?.exit)
}
