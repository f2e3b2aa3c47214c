import * as v from 'valibot'
import { z } from 'zod'
import { record } from 'moult'

/** CodeWhale's session: messages become a journal. Its real documents have much more in them, which nobody names here. */
const Block = z.object({ type: z.string(), text: z.string().optional() })
const Session1 = z.object({
  metadata: z.object({ id: z.string() }),
  messages: z.array(z.object({ role: z.string(), content: z.array(Block) })),
})
const Session2 = z.object({
  metadata: z.object({ id: z.string() }),
  journal: z.object({
    entries: z.array(z.object({ id: z.string(), role: z.string(), content: z.array(Block) })),
    leaf_id: z.string().nullable(),
  }),
})
const Session3 = Session2.extend({ archived: z.boolean() })

const SessionAt1 = record('session', { versionKey: 'schema_version', unversioned: 1 }).version(1, Session1)

export const SessionAt2 = SessionAt1.version(2, Session2, {
  up: ({ messages, ...rest }) => {
    const entries = messages.map((message, index) => ({ id: `${rest.metadata.id}-${index}`, ...message }))
    return { ...rest, journal: { entries, leaf_id: entries.at(-1)?.id ?? null } }
  },
  down: ({ journal, ...rest }) => ({
    ...rest,
    messages: journal.entries.map(({ role, content }) => ({ role, content })),
  }),
})

export const SessionAt3 = SessionAt2.version(3, Session3, {
  up: (session) => ({ ...session, archived: false }),
  down: ({ archived: _, ...rest }) => rest,
})

/** As serde_json writes it: the version first, two spaces, an escape, a float with a zero, keys that nobody declared. */
export function sessionText(id: string, version: number | null = 1): string {
  return `{
${version === null ? '' : `  "schema_version": ${version},\n`}  "metadata": {
    "id": "${id}",
    "title": "caf\\u00e9 \\/ 1",
    "cost_usd": 1.0,
    "total_tokens": 12345678901234567000
  },
  "messages": [
    { "role": "user", "content": [{"type": "text", "text": "hi"}] }
  ],
  "system_prompt": null
}
`
}

/** What becomes of `sessionText` at version 2. */
export function sessionTextAt2(id: string): string {
  return `{
  "schema_version": 2,
  "metadata": {
    "id": "${id}",
    "title": "caf\\u00e9 \\/ 1",
    "cost_usd": 1.0,
    "total_tokens": 12345678901234567000
  },
  "system_prompt": null,
  "journal": {
    "entries": [
      {
        "id": "${id}-0",
        "role": "user",
        "content": [
          {
            "type": "text",
            "text": "hi"
          }
        ]
      }
    ],
    "leaf_id": "${id}-0"
  }
}
`
}

/** RockBot's memory: camelCase, nulls written, no version in the document. */
const Memory1 = v.looseObject({
  id: v.string(),
  content: v.string(),
  tags: v.array(v.string()),
  createdAt: v.string(),
})
const Memory2 = v.looseObject({ ...Memory1.entries, lastSeenAt: v.string(), reinforcementCount: v.number() })

export const Memory = record('memory', { versionKey: false })
  .version(1, Memory1)
  .version(2, Memory2, {
    additive: true,
    up: (memory) => ({ ...memory, lastSeenAt: memory.createdAt, reinforcementCount: 1 }),
  })

export function memoryText(id: string): string {
  return `{"id":"${id}","content":"a \\u00FC","category":null,"tags":[],"createdAt":"2026-01-0${1 + (id.length % 9)}T00:00:00Z","metadata":{}}`
}

/** Also JSONL: one event a line, each with its own version. */
const Event1 = z.object({ seq: z.number(), event: z.string() })
const Event2 = z.object({ seq: z.number(), kind: z.string() })
export const EventAt2 = record('runtime.event', { versionKey: 'schema_version', unversioned: 1 })
  .version(1, Event1)
  .version(2, Event2, {
    up: ({ event, ...rest }) => ({ ...rest, kind: event }),
    down: ({ kind, ...rest }) => ({ ...rest, event: kind }),
  })

/** A record with one number, for tests of order and counting. */
const Count = z.object({ n: z.number() })
export const CountAt1 = record('count', { versionKey: 'v', unversioned: 1 }).version(1, Count)
export const CountAt4 = CountAt1.version(2, Count, { up: (count) => ({ ...count, n: count.n * 2 }) })
  .version(3, Count, { up: (count) => ({ ...count, n: count.n + 1 }) })
  .version(4, Count, { up: (count) => ({ ...count, n: count.n * 10 }) })
