import { breathe } from '../../disk/breathe.js'
import { MoultFailure } from '../../model/errors.js'

/** For how long a step may use its files, and whether it kept to that. */
export interface Lease {
  /** Throws HANDLE_EXPIRED once the step has ended. */
  check(): void
  /** Runs one call: checks first, and knows of it until it is done. Then gives way, as a step is a loop of such calls. */
  during<T>(call: () => T | Promise<T>): Promise<T>
  /** Ends it. Safe to call twice. */
  expire(): void
  /** HANDLE_EXPIRED if a call was still going on when the step ended, or came later; else null. */
  breach(): MoultFailure<'HANDLE_EXPIRED'> | null
}

/** `step` is `store/step`: whoever the files were lent to. */
export function openLease(store: string, step: string): Lease {
  let isExpired = false
  let isBroken = false
  let running = 0

  const failure = (): MoultFailure<'HANDLE_EXPIRED'> =>
    new MoultFailure('HANDLE_EXPIRED', {
      message: `The step ${step} used the files of '${store}' after it had ended.`,
      hint: 'Await what the step starts: a promise or a loop in it was not awaited.',
      details: { store, step },
    })

  const check = (): void => {
    if (!isExpired) return
    isBroken = true
    throw failure()
  }

  return {
    check,
    async during(call) {
      check()
      running += 1
      let result
      try {
        result = await call()
      } finally {
        running -= 1
      }
      await breathe()
      return result
    },
    expire() {
      if (running > 0) isBroken = true
      isExpired = true
    },
    breach: () => (isBroken ? failure() : null),
  }
}
