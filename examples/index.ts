import type { State } from 'moult'
import * as agentMux from './agent-mux/index.js'
import * as agentOs from './agent-os/index.js'
import * as clankers from './clankers/index.js'
import * as codewhale from './codewhale/index.js'
import * as rockbot from './rockbot/index.js'

/** One of the five systems that moult was made for, with data as its old release left it. */
export interface Example {
  readonly name: string
  /** Fills an empty directory as the old release left it, before moult. Always with the same content. */
  makeOldState(root: string): void
  /** What today's release declares. It has no root yet. */
  readonly state: State
  /** What `readContent` has to find after the upgrade; worked out from the old data without moult and without the steps. */
  expectedContent(oldRoot: string): unknown
  readContent(root: string): unknown
}

export const examples: readonly Example[] = [
  { name: 'rockbot', ...rockbot },
  { name: 'codewhale', ...codewhale },
  { name: 'agent-os', ...agentOs },
  { name: 'clankers', ...clankers },
  { name: 'agent-mux', ...agentMux },
]
