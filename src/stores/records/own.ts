import type { Each } from './documents.js'
import type { Layout } from './layout.js'
import type { RecordChain } from './record-chain.js'

/** What the code of this kind reads of the definition. */
export interface RecordsOwn {
  readonly chain: RecordChain
  readonly each: Each
  readonly invalid: 'leave' | 'refuse'
  readonly layout: ReadonlyMap<number, Layout>
}
