import { MoultFailure } from '../../model/errors.js'

export interface ProblemOptions {
  /** `document`: it is not what it should be. `step`: the program's own code is wrong, whatever the document. */
  readonly blame: 'document' | 'step'
  readonly from: number | null
  readonly to: number
  /** Goes on after "cannot be brought to version 3:". Never contents. */
  readonly reason: string
  readonly cause?: unknown
}

/** Why one document cannot be brought to a version, before anybody knows where the document stands. */
export class RecordProblem extends Error {
  readonly blame: 'document' | 'step'
  readonly from: number | null
  readonly to: number
  readonly reason: string

  constructor({ blame, from, to, reason, cause }: ProblemOptions) {
    super(reason, cause === undefined ? undefined : { cause })
    this.name = 'RecordProblem'
    this.blame = blame
    this.from = from
    this.to = to
    this.reason = reason
  }
}

/** A problem as the one who asked for this record is told. */
export function rejectRecord(
  record: string,
  file: string | null,
  problem: RecordProblem,
  /** The step of another store that reads it. */
  by: string | null = null,
): MoultFailure<'RECORD_REJECTED'> {
  const { from, to, reason, blame, cause } = problem
  const which = file === null ? `A record '${record}'` : `The record '${record}' in ${file}`
  const isNewer = from !== null && from > to
  return new MoultFailure('RECORD_REJECTED', {
    message: `${by === null ? '' : `The step ${by} reads this: `}${which} cannot be brought to version ${to}: ${reason}. It was left as it is.`,
    hint:
      blame === 'step'
        ? 'Mend that code; the document is not to blame.'
        : isNewer
          ? 'Use the program that wrote it, or a newer one.'
          : `Mend the document, or take it out${by === null ? '' : "; a step passes such documents over with all({ invalid: 'skip' })"}.`,
    details: { record, file, from, to, reason },
    ...(cause === undefined ? {} : { cause }),
  })
}
