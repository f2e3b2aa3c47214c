import { chmodSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { generator } from '../generator.js'
import type { Generator } from '../generator.js'

/** Sessions that cannot be brought forward, and why; all others can. */
export const leftSessions: Readonly<Record<string, RegExp>> = {
  '00000000-0000-4000-8000-00000000000a.json': /version 3.*knows 2/,
  '00000000-0000-4000-8000-00000000000b.json': /does not end|unexpected|ends/i,
  '00000000-0000-4000-8000-00000000000c.json': /number/,
}

/** How many sessions the other releases left: each of them has to come through. */
export const goodSessions = 49

/** What some releases of the last year left in ~/.codewhale. */
export function makeOldState(root: string): void {
  const made = generator(350)
  const put = (path: string, text: string, mode = 0o600): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true, mode: 0o700 })
    writeFileSync(join(root, path), text)
    chmodSync(join(root, path), mode)
    const writtenAt = made.date()
    utimesSync(join(root, path), writtenAt, writtenAt)
  }
  for (let index = 0; index < goodSessions; index++) {
    const id = made.uuid()
    put(`sessions/${id}.json`, dressUp(index, json(makeSession(made, id, index))))
  }
  const [newer = '', torn = '', tooLarge = ''] = Object.keys(leftSessions)
  put(`sessions/${newer}`, json({ schema_version: 3, metadata: { id: newer }, journal: { segments: [] } }))
  put(`sessions/${torn}`, json(makeSession(made, torn, 1)).slice(0, 700))
  // JavaScript would round it, and nobody would ever know.
  put(
    `sessions/${tooLarge}`,
    json(makeSession(made, tooLarge, 1)).replace('"usage_checksum": 0', '"usage_checksum": 18446744073709551615'),
  )
  put(
    'sessions/offline_queue.json',
    json({ schema_version: 1, session_id: null, messages: [{ display: made.sentence(6), skill_instruction: null }] }),
  )
  putRuntime(made, put)
  for (let index = 0; index < 60; index++) put(`tasks/tasks/task_${made.hex(8)}.json`, json(makeTask(made, index)))
  put('tasks/tasks/task_lost.json', json({ id: 'task_lost', status: 'queued' }))
  put('tasks/tasks/notes.txt', 'not a task\n', 0o644)
  for (let index = 0; index < 12; index++) {
    const id = made.uuid()
    put(
      `automations/automations/${id}.json`,
      json({ schema_version: 1, id, name: made.sentence(3), rrule: 'FREQ=DAILY;BYHOUR=9', paused: false }),
      0o644,
    )
    for (let run = 0; run < 4; run++)
      put(
        `automations/runs/${id}/${made.uuid()}.json`,
        json({ schema_version: 1, id: made.uuid(), automation_id: id, status: 'completed' }),
        0o644,
      )
  }
}

type Put = (path: string, text: string, mode?: number) => void

/** As serde_json's pretty printer writes: two spaces, UTF-8 as it is, no line end at the end of the file. */
function json(value: unknown): string {
  return JSON.stringify(value, null, 2)
}

function makeSession(made: Generator, id: string, index: number): object {
  const createdAt = made.date().toISOString()
  const messages = Array.from({ length: index % 11 === 10 ? 0 : made.int(1, 40) }, (_, turn) => makeMessage(made, turn))
  // Long ones have the output of tools in them: some hundred kilobytes.
  if (index % 16 === 5)
    messages.push({
      role: 'user',
      content: [{ type: 'tool_result', tool_use_id: made.hex(8), content: `${made.sentence(20)}\n`.repeat(2500) }],
    })
  const metadata = {
    id,
    title: made.sentence(4),
    created_at: createdAt,
    updated_at: createdAt,
    message_count: messages.length,
    total_tokens: made.int(1, 200_000),
    model: 'whale-pro',
    workspace: '/home/anna/src',
    mode: null,
  }
  const rest = {
    system_prompt: index % 3 === 0 ? null : made.sentence(12),
    usage_checksum: 0,
    x_future: { kept: ['as', 'it', 'is'] },
  }
  // The head of a file is all that a listing reads, so metadata comes before everything that is long.
  if (index % 7 === 3) return { metadata, messages, ...rest }
  if (index % 7 === 4) return { schema_version: 2, metadata, ...rest, journal: { entries: [], leaf_id: null } }
  return index % 2 === 0
    ? { schema_version: 1, metadata, messages, ...rest }
    : { schema_version: 1, metadata, ...rest, messages }
}

function makeMessage(made: Generator, turn: number): { role: string; content: object[] } {
  if (turn % 5 === 3)
    return {
      role: 'assistant',
      content: [
        { type: 'thinking', thinking: made.sentence(9) },
        { type: 'tool_use', id: made.hex(8), name: 'read_file', input: { path: 'src/main.rs', limit: null } },
      ],
    }
  return {
    role: turn % 2 === 0 ? 'user' : 'assistant',
    content: [{ type: 'text', text: made.sentence(made.int(3, 60)) }],
  }
}

/** What editors, other programs and other languages do to a file of JSON. */
function dressUp(index: number, text: string): string {
  if (index === 6) return text.replaceAll('\n', '\r\n')
  if (index === 8) return `\uFEFF${text}`
  // Exact as a double, with other digits than JavaScript's own only in form.
  if (index === 12) return text.replace('"usage_checksum": 0', '"usage_checksum": 12345678901234567000')
  if (index === 14)
    return text.replace(
      '"usage_checksum": 0',
      '"cost_usd": 1.0,\n  "rate": 1.50e-3,\n  "path": "C:\\u005cwhale\\/x",\n  "usage_checksum": 0',
    )
  if (index === 16) return `${text}\n`
  return text
}

function putRuntime(made: Generator, put: Put): void {
  for (let index = 0; index < 30; index++) {
    const id = `thr_${made.hex(8)}`
    const archived = index % 4 === 0 ? { archived: true } : {}
    put(
      `tasks/runtime/threads/${id}.json`,
      json({
        ...(index % 5 === 0 ? {} : { schema_version: 1 }),
        id,
        model: 'whale-pro',
        created_at: made.date().toISOString(),
        ...archived,
        latest_turn_id: null,
      }),
    )
    for (let turn = 0; turn < 3; turn++) {
      const turnId = `turn_${made.hex(8)}`
      put(
        `tasks/runtime/turns/${turnId}.json`,
        json({ schema_version: 1, id: turnId, thread_id: id, status: 'completed' }),
      )
      put(
        `tasks/runtime/items/item_${made.hex(8)}.json`,
        json({ schema_version: 1, id: `item_${turn}`, turn_id: turnId, kind: 'agent_message' }),
      )
    }
    const lines = Array.from({ length: 40 }, (_, seq) =>
      JSON.stringify({
        ...(seq < 10 ? {} : { schema_version: 1 }),
        seq,
        timestamp: made.date().toISOString(),
        thread_id: id,
        event: 'item.delta',
        payload: { delta: made.sentence(4) },
      }),
    )
    // One log ends in the middle of an append.
    put(
      `tasks/runtime/events/${index === 9 ? 'thr_torn' : id}.jsonl`,
      `${lines.join('\n')}\n${index === 9 ? '{"schema_version":1,"seq":40,"eve' : ''}`,
    )
  }
}

function makeTask(made: Generator, index: number): object {
  const task = {
    id: `task_${index}`,
    prompt: made.sentence(10),
    status: made.pick(['queued', 'completed', 'failed']),
    created_at: made.date().toISOString(),
  }
  return index % 6 === 5 ? { schema_version: 2, ...task, gates: ['review'] } : { schema_version: 1, ...task }
}
