import { decideStore } from '#moult/model/decide.js'
import type { MarkerEntry } from '#moult/model/marker.js'
import type { NewerPolicy } from '#moult/model/policy.js'
import type { Store, Found, StoreSpec } from '#moult/model/store.js'
import type { Lane } from '#moult/model/step.js'
import type { Verdict } from '#moult/model/verdict.js'

/** A checksum that a reader of a test can compute: the text itself. */
const digest = (source: string): string => `digest of ${source}`

export interface Seen {
  readonly found?: Found
  /** Names of applied steps; `!` in front: additive. */
  readonly applied?: readonly string[]
  readonly checksums?: Readonly<Record<string, string>>
  readonly hadMarker?: boolean
  readonly onNewer?: NewerPolicy
  readonly tracks?: readonly Lane[]
  readonly trackApplied?: Readonly<Record<string, readonly string[]>>
}

/** What would be decided of a store in which this was found. */
export function judge(store: Store, seen: Seen = {}): Verdict {
  const spec: StoreSpec = store['~store']
  const entries = [
    ...entriesFor('', seen.applied ?? [], seen.checksums),
    ...Object.entries(seen.trackApplied ?? {}).flatMap(([track, names]) => entriesFor(track, names)),
  ]
  const found: Found =
    seen.found ??
    (seen.applied
      ? { is: 'marked', marker: { store: spec.name, entries, touches: [], left: [] } }
      : { is: 'nothing', exists: true })
  return decideStore({
    spec,
    tracks: seen.tracks ?? [],
    found,
    hadMarker: seen.hadMarker ?? false,
    onNewer: seen.onNewer ?? 'floor',
    program: { app: 'agent', appVersion: '2.4.0' },
    digest,
  })
}

function entriesFor(
  track: string,
  names: readonly string[],
  checksums: Readonly<Record<string, string>> = {},
): MarkerEntry[] {
  return names.map((given, index) => {
    const name = given.replace(/^!/, '')
    return {
      track,
      place: index + 1,
      name,
      checksum: checksums[name] ?? null,
      additive: given.startsWith('!'),
      description: null,
      appliedAt: 1_700_000_000 + index,
      appVersion: '2.6.0',
      arrival: 'step',
      commit: null,
      wrote: [],
    }
  })
}
