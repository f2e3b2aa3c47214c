import { record, records } from 'moult'
import * as v from 'valibot'

// Version 1 may have the two new fields already: adding them needed no step, so releases before moult wrote them.
const Memory1 = v.looseObject({
  id: v.string(),
  content: v.string(),
  category: v.nullish(v.string()),
  tags: v.array(v.string()),
  createdAt: v.string(),
  lastSeenAt: v.optional(v.string()),
  reinforcementCount: v.optional(v.number()),
})
const Memory2 = v.looseObject({
  ...Memory1.entries,
  category: v.string(),
  lastSeenAt: v.string(),
  reinforcementCount: v.number(),
})

/** Memories carry no version of their own: the store's marker says it for all of them. */
export const Memory = record('memory', { versionKey: false })
  .version(1, Memory1)
  .version(2, Memory2, {
    // Older releases look for memories in all folders and pass over fields they do not know.
    additive: true,
    up: (memory) => ({
      ...memory,
      category: memory.category ?? 'general',
      lastSeenAt: memory.lastSeenAt ?? memory.createdAt,
      reinforcementCount: memory.reinforcementCount ?? 1,
    }),
  })

/** `memory/<category…>/<12 hex>.json`. The embeddings beside them are found by id and made again when they are missing. */
export const memory = records('memory', {
  path: 'memory',
  files: '**/*.json',
  ignore: ['**/.embeddings'],
  record: Memory,
  // Any name will do that the agent's own index, which reads all *.json, does not take for a memory.
  marker: '.rockbot-schema',
  layout: {
    2: async ({ files }) => {
      for await (const file of files.glob('*.json')) await files.move(file, `general/${file}`)
    },
  },
}).adopt('oldest')
