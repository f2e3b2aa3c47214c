import { lstatIfAny } from '../../disk/identity.js'
import type { Found, Place } from '../../model/store.js'
import { describeFailure, readMarkerFile } from './read-marker.js'

/**
 * What is known of a store of files: its marker and nothing else where there is one; else whether it has data, which
 * needs a look into its directory (and loads what that takes). Takes no lock, changes no byte.
 */
export async function examineFiles(place: Place): Promise<Found> {
  const marker = readMarkerFile(place)
  if (marker !== null) return marker
  const { hasData } = await import('../../disk/walk.js')
  try {
    if (hasData(place.root, place.claim)) return { is: 'data' }
    return { is: 'nothing', exists: lstatIfAny(place.path) !== null }
  } catch (error) {
    return describeFailure(
      place,
      error,
      'STORE_UNREADABLE',
      `its directory ${place.spec.path === '' ? '.' : place.spec.path}`,
    )
  }
}
