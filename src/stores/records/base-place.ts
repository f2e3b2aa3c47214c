import { join } from 'node:path'
import type { Place } from '../../model/store.js'

/**
 * The place of a store that is one file as the place of its directory, in which it claims that file: so one file is
 * read, committed and verified by the code that does it for a directory. Any other place as it is.
 */
export function basePlace(place: Place): Place {
  if (place.spec.extent.is !== 'file') return place
  const { base } = place.claim
  return { ...place, path: join(place.root, base), spec: { ...place.spec, path: base } }
}
