import { record } from 'moult'
import { z } from 'zod'

const Block = z.object({ type: z.string() })
const Metadata = z.object({ id: z.string() })
const Entry = z.object({ id: z.string(), parent_id: z.string().nullable(), role: z.string(), content: z.array(Block) })

const Session1 = z.object({
  metadata: Metadata,
  messages: z.array(z.object({ role: z.string(), content: z.array(Block) })),
})
const Session2 = z.object({
  metadata: Metadata,
  journal: z.object({ entries: z.array(Entry), leaf_id: z.string().nullable() }),
})

/**
 * A conversation. Schemas name only what a step needs: what they do not name is kept, with its order and its text.
 * Version 2 makes of the list of messages a tree, so that one can go back and take another turn.
 *
 * `unversioned: 1`: releases before there were versions wrote what is now called version 1. To take a missing version for
 * the current one, as their loaders did, would mean that no step ever runs on those files.
 */
export const Session = record('session', { versionKey: 'schema_version', unversioned: 1 })
  .version(1, Session1)
  .version(2, Session2, {
    up: ({ messages, ...session }) => {
      const idOf = (index: number): string => `${session.metadata.id}-${index}`
      const entries = messages.map(({ role, content, ...message }, index) => ({
        id: idOf(index),
        parent_id: index === 0 ? null : idOf(index - 1),
        role,
        content,
        ...message,
      }))
      return { ...session, journal: { entries, leaf_id: entries.at(-1)?.id ?? null } }
    },
    down: ({ journal, ...session }) => ({
      ...session,
      messages: journal.entries.map(({ id: _id, parent_id: _parent, ...message }) => message),
    }),
  })
