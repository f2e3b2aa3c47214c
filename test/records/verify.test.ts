import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { records } from 'moult'
import { look, put } from '../disk/tree.js'
import { CountAt4, EventAt2, Memory, memoryText } from './shapes.js'
import { stateInRoot } from './state.js'

const counts = records('counts', { path: 'counts', files: '*.json', record: CountAt4 })

test('[P22] verify looks at every document: bad ones, old ones, and a list of left ones that is no longer true', async (t) => {
  const at = stateInRoot(t)
  put(at.root, { 'counts/a.json': '{"n":1}', 'counts/b.json': '{', 'counts/c.json': '{"v":9}' })
  await at.upgrade(counts)
  assert.deepEqual(
    (await at.verify(counts)).map(({ message, hint }) => [message, hint]),
    [
      [
        'counts/b.json cannot be read as a record: line 1, column 2: a key is missing.',
        'Mend it, or take it out. It was left as it is; once it is mended, the next upgrade brings it forward.',
      ],
      [
        'counts/c.json is of a newer version than this program knows.',
        'Start the program that wrote them, or a newer one.',
      ],
    ],
  )
  put(at.root, {
    'counts/a.json': '{"v":4}',
    'counts/b.json': '{"v":4,"n":1}',
    'counts/late.json': '{"v":2,"n":1}',
    'counts/torn.json': '{"v":4',
    'counts/newer.json': '{"v":5}',
  })
  const before = look(at.root)
  const problems = await at.verify(counts)
  assert.deepEqual(
    problems.map(({ store, code, message }) => [
      store,
      code,
      /(a|b|late|torn|c)\.json (cannot|stands|is at version 2|and 1 more document are of a newer)/.exec(message)?.[0],
    ]),
    [
      ['counts', 'RECORDS_INVALID', 'a.json cannot'],
      ['counts', 'RECORDS_INVALID', 'b.json stands'],
      ['counts', 'RECORDS_INVALID', 'late.json is at version 2'],
      ['counts', 'RECORDS_INVALID', 'torn.json cannot'],
      ['counts', 'RECORDS_INVALID', 'c.json and 1 more document are of a newer'],
    ],
  )
  assert.ok(problems.every(({ hint }) => hint !== ''))
  assert.deepEqual(look(at.root), before)
})

test('[P22] verify names lines, looks through a damaged marker, and finds files that are none', async (t) => {
  const at = stateInRoot(t)
  const events = records('events', { path: 'events', files: '*.jsonl', each: 'line', record: EventAt2 })
  put(at.root, { 'events/a.jsonl': '{"seq":1,"event":"x"}\n' })
  await at.upgrade(events)
  fs.appendFileSync(join(at.root, 'events/a.jsonl'), '{"schema_version":2,"seq":2}\n')
  fs.symlinkSync('a.jsonl', join(at.root, 'events/link.jsonl'))
  const problems = await at.verify(events)
  assert.deepEqual(
    problems.map(({ code }) => code),
    ['FILE_UNSUPPORTED', 'RECORDS_INVALID'],
  )
  assert.match(problems[1]!.message, /events\/a\.jsonl:2/)
  fs.writeFileSync(join(at.root, 'events/.schema-version'), '')
  assert.ok((await at.verify(events)).some(({ code }) => code === 'MARKER_UNREADABLE'))
})

test('[P22] documents without a version of their own are checked by the version of their store', async (t) => {
  const at = stateInRoot(t)
  const memory = records('memory', { path: 'memory', files: '*.json', record: Memory }).adopt('oldest')
  put(at.root, { 'memory/a.json': memoryText('a') })
  assert.ok(!(await at.verify(memory)).some(({ code }) => code === 'RECORDS_INVALID'))
  await at.upgrade(memory)
  assert.deepEqual(await at.verify(memory), [])
  put(at.root, { 'memory/b.json': memoryText('b') })
  assert.match((await at.verify(memory))[0]?.message ?? '', /b\.json cannot be read as a record: it is no version 2/)
})
