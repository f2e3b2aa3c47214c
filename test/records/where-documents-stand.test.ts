import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { records } from 'moult'
import { look, put } from '../disk/tree.js'
import { CountAt4, EventAt2, SessionAt2, sessionText, sessionTextAt2 } from './shapes.js'
import { namedBy, stateInRoot } from './state.js'

const sessions = records('session', { path: 'sessions', files: '*.json', record: SessionAt2 })

test('[C7] a queue in one file, inside the directory of another store: each has its own marker and its own version', async (t) => {
  const at = stateInRoot(t)
  const queue = records('offline_queue', { path: 'sessions/offline_queue.json', record: CountAt4 })
  put(at.root, { 'sessions/offline_queue.json': '{"n":1}', 'sessions/a.json': sessionText('a') }, 0o600)
  const report = await at.of(sessions, queue).upgrade()
  assert.deepEqual(
    report.stores.map(({ status, version, left }) => [status, version, left]),
    [
      ['current', 2, []],
      ['current', 4, []],
    ],
  )
  assert.equal(at.text('sessions/offline_queue.json'), '{"v":4,"n":30}')
  assert.equal(at.text('sessions/a.json'), sessionTextAt2('a'))
  assert.deepEqual(fs.readdirSync(join(at.root, 'sessions')).sort(), [
    '.offline_queue.schema-version',
    '.schema-version',
    'a.json',
    'offline_queue.json',
  ])
  assert.equal((await at.of(sessions, queue).upgrade()).outcome, 'up-to-date')
  assert.deepEqual((await at.of(sessions, queue).verify()).problems, [])
})

test('[C7] a single file that is not there yet is fresh, and one at the root has its marker beside it', async (t) => {
  const at = stateInRoot(t)
  const queue = records('queue', { path: 'queue.json', record: CountAt4 })
  assert.equal((await at.upgrade(queue)).stores[0]?.status, 'current')
  assert.deepEqual(
    fs.readdirSync(at.root).filter((name) => name !== '.moult'),
    ['.queue.schema-version'],
  )
})

test('[C8] JSONL: each line is at its own version; bad ones are named by number and keep their bytes', async (t) => {
  const at = stateInRoot(t)
  const events = records('events', { path: 'events', files: '*.jsonl', each: 'line', record: EventAt2 })
  const lines = [
    '\uFEFF{"seq":1,"event":"start"}\r\n',
    '\n',
    '{"schema_version":2,"seq":2,"kind":"x"}\n',
    '{"schema_version":1, "seq":3.0, "event":"\\u00e9"}\n',
    '{"seq":4,"event":\n',
    '  \r\n',
    '{"schema_version":9,"seq":5}\n',
    '{"seq":6,"event":"tail"',
  ]
  put(at.root, { 'events/a.jsonl': lines.join(''), 'events/current.jsonl': lines[2]!, 'events/empty.jsonl': '' }, 0o640)
  const before = look(join(at.root, 'events'))
  const report = await at.upgrade(events)
  const after = look(join(at.root, 'events'))
  assert.equal(
    at.text('events/a.jsonl'),
    [
      '\uFEFF{"schema_version":2,"seq":1,"kind":"start"}\r\n',
      '\n',
      lines[2],
      '{"schema_version":2, "seq":3.0, "kind":"\\u00e9"}\n',
      lines[4],
      '  \r\n',
      lines[6],
      lines[7],
    ].join(''),
  )
  assert.match(after['a.jsonl']!, /^640 /)
  for (const name of ['current.jsonl', 'empty.jsonl']) assert.equal(after[name], before[name])
  assert.deepEqual(
    report.stores[0]?.left.map(({ file }) => file),
    ['a.jsonl:5', 'a.jsonl:7', 'a.jsonl:8'],
  )
  assert.deepEqual([report.steps.at(-1)?.changes.records, report.steps.at(-1)?.changes.filesChanged], [2, 1])
  assert.deepEqual(namedBy(await at.verify(events)).sort(), [
    'events/a.jsonl:5',
    'events/a.jsonl:7',
    'events/a.jsonl:8',
  ])
})

test('[C8] JSONL: a line that is not UTF-8 keeps its bytes while its neighbours are rewritten', async (t) => {
  const at = stateInRoot(t)
  const events = records('events', { path: 'events', files: '*.jsonl', each: 'line', record: EventAt2 })
  const old = Buffer.concat([
    Buffer.from('{"seq":1,"event":"a"}\n{"x":"'),
    Buffer.from([0xff, 0xfe]),
    Buffer.from('"}\n{"seq":3,"event":"c"}'),
  ])
  put(at.root, { 'events/a.jsonl': '' })
  fs.writeFileSync(join(at.root, 'events/a.jsonl'), old)
  const report = await at.upgrade(events)
  assert.deepEqual(report.stores[0]?.left, [{ file: 'a.jsonl:2', reason: 'it is not UTF-8 text' }])
  assert.equal(
    fs.readFileSync(join(at.root, 'events/a.jsonl'), 'latin1'),
    '{"schema_version":2,"seq":1,"kind":"a"}\n{"x":"\xff\xfe"}\n{"schema_version":2,"seq":3,"kind":"c"}',
  )
})

test('[C8] JSONL: a log of many pieces changes only from its first old line on', async (t) => {
  const at = stateInRoot(t)
  const events = records('events', { path: 'events', files: '*.jsonl', each: 'line', record: EventAt2 })
  const current = Array.from(
    { length: 5000 },
    (_, seq) => `{"schema_version":2,"seq":${seq},"kind":"${'x'.repeat(seq % 97)}"}\n`,
  )
  const old = Array.from({ length: 3000 }, (_, seq) => `{"seq":${seq},"event":"é${'y'.repeat(seq % 89)}"}\n`)
  put(at.root, { 'events/a.jsonl': [...current, ...old, ...current].join('') })
  await at.upgrade(events)
  const expected = old.map((line) => line.replace('{"seq"', '{"schema_version":2,"seq"').replace('"event"', '"kind"'))
  assert.ok(at.text('events/a.jsonl') === [...current, ...expected, ...current].join(''))
})

test('[C8] an array in one file: each element is a document, the array keeps its layout', async (t) => {
  const at = stateInRoot(t)
  const tasks = records('tasks', { path: 'tasks.json', each: 'element', record: CountAt4 })
  put(at.root, {
    'tasks.json': '[\n  {"v":1,"n":1},\n  {"v":9},\n  {"v":4, "n":1.0},\n  {"n":2, "n":3},\n\n  {"n":1}\n]\n',
  })
  const report = await at.upgrade(tasks)
  assert.equal(
    at.text('tasks.json'),
    '[\n  {"v":4,"n":30},\n  {"v":9},\n  {"v":4, "n":1.0},\n  {"n":2, "n":3},\n\n  {"v":4,"n":30}\n]\n',
  )
  assert.deepEqual(
    report.stores[0]?.left.map(({ file }) => file),
    ['tasks.json[1]', 'tasks.json[3]'],
  )
  put(at.root, { 'tasks.json': '{"v":1,"n":1}' })
  fs.unlinkSync(join(at.root, '.tasks.schema-version'))
  assert.match((await at.upgrade(tasks)).stores[0]?.left[0]?.reason ?? '', /not an array/)
})
