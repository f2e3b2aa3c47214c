import { MoultFailure } from '../../model/errors.js'
import type { LeftDocument } from '../../model/marker.js'

const shown = 10

/** For stores with `invalid: 'refuse'`: nothing goes on while documents would be left behind. */
export function refuseInvalid(store: string, step: string, to: number, left: readonly LeftDocument[]): void {
  if (left.length === 0) return
  const list = left.slice(0, shown).map(({ file, reason }) => `${file} (${reason})`)
  const more = left.length > shown ? ` and ${left.length - shown} more` : ''
  throw new MoultFailure('RECORDS_INVALID', {
    message: `${left.length === 1 ? 'A document' : `${left.length} documents`} of '${store}' cannot be brought to version ${to}: ${list.join(', ')}${more}.`,
    hint: "Mend them or move them away. A store with invalid: 'leave' goes on without them and names them in every status.",
    details: { store, step },
  })
}
