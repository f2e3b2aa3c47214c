import { CliFailure } from './cli-failure.js'

/** `work`, or INTERRUPTED as soon as the signal comes: for work that changes nothing and may be left alone. */
export async function untilAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  let end = (): void => undefined
  const aborted = new Promise<never>((_resolve, reject) => {
    end = () =>
      reject(new CliFailure('INTERRUPTED', 'Interrupted. Nothing was changed.', 'Start again when you are ready.'))
    if (signal.aborted) end()
    else signal.addEventListener('abort', end)
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', end)
  }
}
