/**
 * What `skip(reason)` throws to leave a step. Not a failure: whoever applies the step takes its changes back and
 * reports it as skipped. Told apart by its brand, never by `instanceof`: two copies of the package in one process
 * understand each other.
 */
export class StepSkipped extends Error {
  readonly '~moultSkip' = 1
  readonly reason: string

  constructor(reason: string) {
    super(`the step was skipped: ${reason}`)
    this.name = 'StepSkipped'
    this.reason = reason
  }
}

/** Leaves the step that runs. For `StepContext.skip`. */
export function skipStep(reason: string): never {
  if (typeof reason !== 'string' || reason.trim() === '')
    throw new TypeError('skip(reason) takes a sentence that says why')
  throw new StepSkipped(reason)
}

export function isStepSkipped(error: unknown): error is StepSkipped {
  return typeof error === 'object' && error !== null && (error as Partial<StepSkipped>)['~moultSkip'] === 1
}
