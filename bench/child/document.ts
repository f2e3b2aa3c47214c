/** A record of about 2 KB, as agents keep them. */
export function document(index: number): Record<string, unknown> {
  return {
    schema_version: 1,
    id: `session-${String(index).padStart(6, '0')}`,
    title: `Session ${index}`,
    created_at: 1_760_000_000 + index,
    cost: index / 7,
    tags: ['bench', 'übung', `tag-${index % 17}`],
    msgs: Array.from({ length: 9 }, (_, n) => ({
      role: n % 2 === 0 ? 'user' : 'assistant',
      text: `Message ${n} of ${index}: ${'lorem ipsum dolor sit amet '.repeat(4)}`,
      tokens: n * 31,
    })),
  }
}

/** What becomes of one at version 2: `msgs` is called `messages`, and `archived` is new. */
export function changeDocument({ msgs, ...rest }: Record<string, unknown>): Record<string, unknown> {
  return { ...rest, messages: msgs, archived: false }
}
