import { diskFailure } from '../../disk/failures.js'
import { isMoultError, MoultFailure, systemCode } from '../../model/errors.js'

const failuresOfTheDisk = ['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EACCES', 'EPERM']
const namesWithOwnWords = ['Error', 'TypeError', 'RangeError', 'ReferenceError']

/** What a step's code threw, as one of moult's errors: STEP_FAILED, the disk's, or what it is already. */
export function describeStepFailure(error: unknown, store: string, step: string, what = 'threw an error'): unknown {
  if (isMoultError(error)) return error
  if (failuresOfTheDisk.includes(systemCode(error))) return diskFailure(error, `The step ${step}`)
  return new MoultFailure('STEP_FAILED', {
    message: `The step ${step} ${what}: ${ownWords(error)}`,
    hint: 'Mend the step; the error it threw is the cause of this one.',
    details: { store, step },
    cause: error,
  })
}

/** Parsers and schema libraries quote in their messages what they read, so only plain errors are repeated. */
function ownWords(error: unknown): string {
  if (!(error instanceof Error)) return `it threw no error object, but a ${typeof error}.`
  if (!namesWithOwnWords.includes(error.name) || error.message === '') return `${error.name}.`
  const line = error.message.split('\n', 1)[0] ?? ''
  return `${line.length > 300 ? `${line.slice(0, 300)}…` : line}${/[.!?]$/.test(line) ? '' : '.'}`
}
