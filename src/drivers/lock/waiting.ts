import { MoultFailure } from '../../model/errors.js'

export interface WaitOptions {
  /** How long to wait for other processes, in milliseconds; 30,000 if left out, 0 for a single try. */
  readonly waitMs?: number | undefined
  /** Ends the waiting with MoultError INTERRUPTED. */
  readonly signal?: AbortSignal | undefined
  /** Told after 100 ms of waiting and then about every second; the holder's name where it can be found. */
  readonly onWaiting?: ((holder: string | null, waitedMs: number) => void) | undefined
}

export interface Waiting {
  waitedMs(): number
  /** Lets a moment pass; false when the time is up. */
  pause(nameHolder: () => string | null): Promise<boolean>
}

const pollMs = 25
const firstNoticeMs = 100
const noticeEveryMs = 1000

/** Waiting by a timer, so that signals, events and the app go on meanwhile. SQLite's own waiting blocks the thread. */
export function waiting({ waitMs = 30_000, signal, onWaiting }: WaitOptions): Waiting {
  const start = performance.now()
  const waitedMs = () => Math.round(performance.now() - start)
  let nextMs = 2
  let nextNoticeMs = firstNoticeMs
  throwIfAborted(signal)
  return {
    waitedMs,
    async pause(nameHolder) {
      const leftMs = start + waitMs - performance.now()
      if (leftMs <= 0) return false
      if (onWaiting !== undefined && waitedMs() >= nextNoticeMs) {
        nextNoticeMs = waitedMs() + noticeEveryMs
        onWaiting(nameHolder(), waitedMs())
      }
      // Somewhat random, so that processes started together don't try together
      await sleep(Math.min(nextMs * (0.75 + Math.random() / 2), leftMs), signal)
      nextMs = Math.min(nextMs * 2, pollMs)
      return true
    },
  }
}

function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  throwIfAborted(signal)
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', end)
      try {
        throwIfAborted(signal)
        resolve()
      } catch (error) {
        reject(error)
      }
    }
    const timer = setTimeout(end, ms)
    signal?.addEventListener('abort', end)
  })
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return
  throw new MoultFailure('INTERRUPTED', {
    message: 'interrupted while waiting for another program; nothing was changed',
    hint: 'Start it again.',
    details: {},
    cause: signal.reason,
  })
}
