import { diskFailure } from '../../disk/failures.js'
import { isMoultError, MoultFailure, systemCode } from '../../model/errors.js'
import { thrownAt } from '../../model/thrown-at.js'

const failuresOfTheDisk = ['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EACCES', 'EPERM']
const namesWithOwnWords = ['Error', 'TypeError', 'RangeError', 'ReferenceError']

/** What a step's `up` threw, as one of moult's errors: STEP_FAILED, the disk's, or what it is already. */
export function describeStepFailure(error: unknown, store: string, step: string): unknown {
  return (
    describeOther(error, step) ??
    new MoultFailure('STEP_FAILED', {
      message: `The step ${step} threw an error: ${ownWords(error)}`,
      hint: mend(error),
      details: { store, step },
      cause: error,
    })
  )
}

/** The same of its `validate`: VALIDATION_FAILED. */
export function describeCheckFailure(error: unknown, store: string, step: string): unknown {
  return (
    describeOther(error, step) ??
    new MoultFailure('VALIDATION_FAILED', {
      message: `The step ${step} could not be checked: ${ownWords(error)}`,
      hint: mend(error),
      details: { store, step, reason: ownWords(error) },
      cause: error,
    })
  )
}

function describeOther(error: unknown, step: string): unknown {
  if (isMoultError(error)) return error
  return failuresOfTheDisk.includes(systemCode(error)) ? diskFailure(error, `The step ${step}`) : null
}

function mend(error: unknown): string {
  const at = thrownAt(error)
  return `Mend the step${at === null ? '' : ` (${at})`}; the error it threw is the cause of this one.`
}

/** Parsers and schema libraries quote in their messages what they read, so only plain errors are repeated. */
function ownWords(error: unknown): string {
  if (!(error instanceof Error)) return `it threw no error object, but a ${typeof error}.`
  if (!namesWithOwnWords.includes(error.name) || error.message === '') return `${error.name}.`
  const line = error.message.split('\n', 1)[0] ?? ''
  return `${line.length > 300 ? `${line.slice(0, 300)}…` : line}${/[.!?]$/.test(line) ? '' : '.'}`
}
