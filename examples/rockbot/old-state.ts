import { mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { openDatabase } from '../../test/support/sqlite.js'
import { generator } from '../generator.js'
import type { Generator } from '../generator.js'

const categories = [
  'user/preferences',
  'user/family',
  'user/work/meetings',
  'projects/rockbot',
  'projects/rockbot/releases',
  'projects/café-münchen',
  'people/acme',
  'agent-knowledge/tools',
  'anti-patterns',
]
const signals = ['Correction', 'ToolFailure', 'ToolSuccess', 'ThumbsUp', 'ThumbsDown', 'SessionSummary']
const contactCount = 60

/** What an agent of release 0.14 left on its volume after a year and a half. */
export function makeOldState(root: string): void {
  const made = generator(20_261_121)
  const put = (path: string, content: string | Uint8Array, writtenAt = made.date()): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), content)
    utimesSync(join(root, path), writtenAt, writtenAt)
  }
  putMemories(made, put)
  putSkills(made, put)
  putFeedback(made, put)
  putConversations(made, put)
  for (const group of ['session-1', 'session-2', 'patrol', 'subagent-7', 'idle'])
    put(`working-memory/${group}.json`, json(group === 'idle' ? [] : makeWorkingMemory(made), 2))
  put('scheduled-tasks.json', json(makeTasks(made)))
  put('wisp-executions.jsonl', makeWispLog(made))
  // The volume is a file system of its own, and what a check of it found is nobody's.
  put('lost+found/#12345', '{ "id": "half a mem')
  put('memory/lost+found/#678.json', '{}')
  for (let index = 0; index < contactCount; index++) {
    const id = `c${String(index).padStart(3, '0')}`
    put(
      `contacts/${id}.json`,
      json({ id, fullName: `Zoë Müller ${index}`, email: index % 5 === 0 ? null : `${id}@example.org`, phones: [] }, 2),
    )
  }
  makeCrm(made, join(root, 'crm.db'))
}

type Put = (path: string, content: string | Uint8Array, writtenAt?: Date) => void

/** As System.Text.Json writes: camelCase, nulls written, everything beyond ASCII and some of ASCII escaped. */
function json(value: unknown, indent = 0): string {
  return JSON.stringify(value, null, indent).replace(
    /['&<>]|[^\n -~]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`,
  )
}

function putMemories(made: Generator, put: Put): void {
  for (let index = 0; index < 160; index++) {
    const id = made.hex(12)
    // The oldest ones are from before there were categories; for a while the key was not even written.
    const category = index < 24 ? null : made.pick(categories)
    const createdAt = made.date()
    const memory = {
      id,
      content: made.sentence(made.int(4, 40)),
      ...(index < 6 ? {} : { category }),
      tags: [
        'note',
        ...(made.chance(40) ? [`contact:c${String(made.int(0, contactCount - 1)).padStart(3, '0')}`] : []),
      ],
      createdAt: createdAt.toISOString(),
      updatedAt: made.chance(20) ? made.date().toISOString() : null,
      metadata: made.chance(30) ? { source: 'conversation', confidence: '0.90' } : {},
      ...(made.chance(50) ? { importanceScore: made.int(1, 99) / 100 } : {}),
      // Written by the last releases before moult, which added these fields without saying so anywhere.
      ...(index >= 145 ? { lastSeenAt: made.date().toISOString(), reinforcementCount: made.int(2, 9) } : {}),
    }
    const folder = category === null ? 'memory' : `memory/${category}`
    put(`${folder}/${id}.json`, json(memory, 2), createdAt)
    if (made.chance(60)) put(`${folder}/.embeddings/${id}.bin`, Buffer.from(made.hex(64), 'hex'))
  }
  // A power cut.
  put('memory/0badc0ffee00.json', '{\n  "id": "0badc0ffee00",\n  "content": "Anna pref')
}

function putSkills(made: Generator, put: Put): void {
  const names = Array.from(
    { length: 40 },
    (_, index) => `${made.pick(['patrol', 'acme/sales', 'acme', 'research'])}/skill-${index}`,
  )
  for (const name of [...names, 'patrol/proactive-actions', 'patrol/weekly-review', 'plan-trip']) {
    const skill = {
      name,
      summary: made.sentence(6),
      content: `# ${name}\n\n${Array.from({ length: 5 }, () => `- ${made.sentence(9)}`).join('\n')}\n`,
      createdAt: made.date().toISOString(),
      updatedAt: null,
      lastUsedAt: made.chance(50) ? made.date().toISOString() : null,
      seeAlso: made.chance(20) ? ['plan-trip'] : null,
    }
    put(`skills/${name}.json`, json(skill, 2))
    const [folder, file] = name.includes('/')
      ? [name.slice(0, name.lastIndexOf('/')), name.slice(name.lastIndexOf('/') + 1)]
      : ['.', name]
    if (made.chance(70)) put(`skills/${folder}/.embeddings/${file}.bin`, Buffer.from(made.hex(64), 'hex'))
  }
}

function putFeedback(made: Generator, put: Put): void {
  for (let session = 0; session < 25; session++) {
    const sessionId = made.uuid()
    // The first ones are of a session in which only tools did anything; the last releases wrote names.
    const lines = Array.from({ length: made.int(20, 80) }, (_, line) => {
      const kind = session === 0 ? made.int(1, 2) : made.int(0, 5)
      const signalType = session > 15 && line > 10 ? signals[kind] : kind
      return json({
        id: made.hex(12),
        sessionId,
        signalType,
        summary: made.sentence(5),
        detail: null,
        timestamp: made.date().toISOString(),
      })
    })
    put(`feedback/${sessionId}.jsonl`, `${lines.join('\n')}\n`)
  }
}

function putConversations(made: Generator, put: Put): void {
  for (let index = 0; index < 40; index++) {
    const id = made.uuid()
    const createdAt = made.date()
    const turns = Array.from({ length: made.int(0, 30) }, (_, turn) => ({
      role: turn % 2 === 0 ? 'user' : 'assistant',
      content: made.sentence(made.int(2, 50)),
      timestamp: made.date().toISOString(),
    }))
    const folder = createdAt.toISOString().slice(0, 7).replace('-', '/')
    put(
      `conversations/${folder}/${id}.json`,
      json({ id, title: made.sentence(3), createdAt: createdAt.toISOString(), turns, archivedAt: null }, 2),
    )
  }
}

function makeWorkingMemory(made: Generator): unknown[] {
  return Array.from({ length: made.int(1, 30) }, (_, index) => ({
    key: `session/note-${index}`,
    value: made.sentence(12),
    storedAt: made.date().toISOString(),
    expiresAt: made.date().toISOString(),
    category: null,
    tags: [],
  }))
}

function makeTasks(made: Generator): unknown[] {
  const skillNames = [
    'patrol/proactive-actions',
    'patrol/weekly-review',
    'patrol/weekly-review',
    'patrol/deleted-by-hand',
  ]
  return Array.from({ length: 15 }, (_, index) => ({
    name: `task-${index}`,
    cronExpression: `${index} */2 * * *`,
    description: made.sentence(8),
    skillName: skillNames[index] ?? null,
    isEnabled: made.chance(80),
    lastFiredAt: made.chance(50) ? made.date().toISOString() : null,
  }))
}

function makeWispLog(made: Generator): string {
  const lines = Array.from({ length: 800 }, () =>
    json({
      id: made.hex(8),
      wispName: 'mail-triage',
      startedAt: made.date().toISOString(),
      durationMs: made.int(1, 90_000),
      success: made.chance(90),
      error: null,
    }),
  )
  // The last append did not get to its end.
  return `${lines.join('\n')}\n${lines[0]?.slice(0, 40)}`
}

/** As the company's last release without moult made it. */
function makeCrm(made: Generator, path: string): void {
  const db = openDatabase(path)
  db.exec(`
    CREATE TABLE customer(id TEXT PRIMARY KEY, name TEXT NOT NULL, email TEXT, memories INTEGER NOT NULL DEFAULT 0);
    CREATE TABLE visit(id INTEGER PRIMARY KEY, customer_id TEXT NOT NULL REFERENCES customer(id) ON DELETE CASCADE, at TEXT NOT NULL);
    BEGIN
  `)
  for (let index = 0; index < 400; index++) {
    db.run('INSERT INTO customer(id, name, email) VALUES (?, ?, ?)', `k${index}`, made.sentence(2), null)
    for (let visit = 0; visit < 5; visit++)
      db.run('INSERT INTO visit(customer_id, at) VALUES (?, ?)', `k${index}`, made.date().toISOString())
  }
  db.exec('COMMIT')
  db.close()
}
