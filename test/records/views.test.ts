import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { directory, records } from 'moult'
import type { At, Store } from 'moult'
import { z } from 'zod'
import { look, put } from '../disk/tree.js'
import { CountAt1, EventAt2, SessionAt2, SessionAt3, sessionText } from './shapes.js'
import { fails, stateInRoot } from './state.js'
import type { StateInRoot } from './state.js'

type Access<A> = A extends At<infer _R, infer W> ? W : never

/** Runs `work` in the step of another store, which may write into `store` at one of its versions. */
async function inStep<A extends At>(
  at: StateInRoot,
  store: Store,
  reference: A,
  work: (view: Access<A>) => Promise<void>,
): Promise<void> {
  const other = directory('other', { path: 'other' }).step('look', {
    writes: { seen: reference },
    up: async ({ stores }) => work(stores.seen),
  })
  await at.of(store, other).upgrade()
}

const options = { path: 'sessions', files: '*.json' } as const
const at1 = records('session', { ...options, record: SessionAt2 })
const events = records('events', { path: 'events', files: '*.jsonl', each: 'line', record: EventAt2 })

function withSessions(t: TestContext, ...ids: string[]): StateInRoot {
  const at = stateInRoot(t)
  for (const id of ids) put(at.root, { [`sessions/${id}.json`]: sessionText(id) })
  return at
}

test('[P20] another store’s step sees each record at exactly the version it was written for', async (t) => {
  const at = withSessions(t, 'a', 'b')
  const seen: unknown[] = []
  await inStep(at, at1, at1.at(1), async (view) => {
    for await (const { file, value } of view.all()) seen.push([file, value.messages.length, 'journal' in value])
    assert.equal((await view.get('b.json'))?.metadata.id, 'b')
    assert.equal(await view.get('none.json'), undefined)
    assert.equal(await view.count(), 2)
  })
  assert.deepEqual(seen, [
    ['a.json', 1, false],
    ['b.json', 1, false],
  ])
  assert.equal(JSON.parse(at.text('sessions/a.json')).schema_version, 2)
})

test('[P20] a store that is past the version shows its records through their downs', async (t) => {
  const at = withSessions(t, 'a')
  const at3 = records('session', { ...options, record: SessionAt3 })
  await at.upgrade(at3)
  const before = at.text('sessions/a.json')
  const late = directory('late', { path: 'late' }).step('look', {
    reads: { seen: at3.at(1) },
    up: async ({ files, stores }) => {
      for await (const { value } of stores.seen.all()) await files.write('seen.json', JSON.stringify(value))
    },
  })
  await at.of(at3, late).upgrade()
  assert.deepEqual(JSON.parse(at.text('late/seen.json')), { ...JSON.parse(sessionText('a')) })
  assert.equal(at.text('sessions/a.json'), before)
})

test('[P20] without a way back the plan is refused before anything changes, naming the step in the way', async (t) => {
  const at = stateInRoot(t)
  put(at.root, { 'counts/a.json': '{"v":1,"n":1}' })
  const stuck = CountAt1.version(2, z.object({ n: z.number() }), { up: (a) => a })
  const counts = records('counts', { path: 'counts', files: '*.json', record: stuck })
  await at.upgrade(counts)
  const before = look(at.root)
  const late = directory('late', { path: 'late' }).step('look', { reads: { seen: counts.at(1) }, up: () => {} })
  await assert.rejects(at.of(counts, late).upgrade(), fails('VERSION_PASSED', /'v2' lies in the way/))
  assert.deepEqual(look(at.root), before)
})

test('[G2] a document that was left throws in a view, by name, or is passed over if asked', async (t) => {
  const at = withSessions(t, 'a', 'c')
  put(at.root, { 'sessions/b.json': '{' })
  await inStep(at, at1, at1.at(2), async (view) => {
    const seen: string[] = []
    await assert.rejects(
      async () => {
        for await (const { file } of view.all()) seen.push(file)
      },
      fails('RECORD_REJECTED', /sessions\/b\.json/),
    )
    assert.deepEqual(seen, ['a.json'])
    for await (const { file } of view.all({ invalid: 'skip' })) seen.push(file)
    assert.deepEqual(seen, ['a.json', 'a.json', 'c.json'])
    await assert.rejects(view.get('b.json'), fails('RECORD_REJECTED'))
    assert.equal(await view.count(), 3)
    assert.throws(() => view.all({ invalid: 'ignore' as never }), TypeError)
  })
})

test('[P20] an iteration sees what was there when it began, whatever is put and deleted on the way', async (t) => {
  const at = withSessions(t, 'a', 'b', 'c', 'd')
  await inStep(at, at1, at1.at(1), async (view) => {
    const seen: string[] = []
    for await (const { file, value } of view.all()) {
      seen.push(`${file} ${value.metadata.id}`)
      if (file !== 'a.json') continue
      await view.put('b.json', { metadata: { id: 'changed' }, messages: [] })
      await view.put('b.json', { metadata: { id: 'again' }, messages: [] })
      await view.put('e.json', { metadata: { id: 'e' }, messages: [] })
      await view.delete('c.json')
      assert.equal(await view.count(), 4)
      assert.equal((await view.get('b.json'))?.metadata.id, 'again')
    }
    assert.deepEqual(seen, ['a.json a', 'b.json b', 'c.json c', 'd.json d'])
    for await (const _ of view.all()) break
  })
  assert.deepEqual(fs.readdirSync(join(at.root, 'sessions')).sort(), [
    '.schema-version',
    'a.json',
    'b.json',
    'd.json',
    'e.json',
  ])
})

test('[P20] what is put is stamped, keeps the text that stays equal, and is brought to where the store is', async (t) => {
  const at = withSessions(t, 'a')
  await at.upgrade(at1)
  await inStep(at, at1, at1.at(1), async (view) => {
    const value = (await view.get('a.json'))!
    value.metadata.id = 'mine, a copy'
    assert.equal((await view.get('a.json'))?.metadata.id, 'a')
    await view.put('a.json', { ...(await view.get('a.json'))!, messages: [] })
    await view.put('n.json', { metadata: { id: 'n' }, messages: [] })
  })
  assert.match(
    at.text('sessions/a.json'),
    /^\{\n  "schema_version": 2,\n  "metadata": \{\n    "id": "a",\n    "title": "caf\\u00e9 \\\/ 1",\n    "cost_usd": 1\.0,/,
  )
  assert.deepEqual(JSON.parse(at.text('sessions/n.json')), {
    schema_version: 2,
    metadata: { id: 'n' },
    journal: { entries: [], leaf_id: null },
  })
  assert.match(at.text('sessions/n.json'), /^\{\n  "schema_version": 2,/)
  assert.deepEqual(await at.verify(at1), [])
})

test('[G2] what does not fit, or would replace what cannot be read, is not put', async (t) => {
  const at = withSessions(t, 'a')
  put(at.root, { 'sessions/torn.json': '{', 'sessions/newer.json': '{"schema_version":7}' })
  await inStep(at, at1, at1.at(1), async (view) => {
    await assert.rejects(view.put('a.json', { metadata: {} } as never), fails('RECORD_REJECTED', /\$\.metadata\.id/))
    await assert.rejects(view.put('a.json', { at: new Date() } as never), fails('RECORD_REJECTED', /JSON cannot hold/))
    for (const file of ['torn.json', 'newer.json']) {
      await assert.rejects(
        view.put(file, { metadata: { id: 'x' }, messages: [] }),
        fails('RECORD_REJECTED', new RegExp(file)),
      )
    }
    await assert.rejects(view.put('../x.json', { metadata: { id: 'x' }, messages: [] }), TypeError)
    await assert.rejects(view.put('x.txt', { metadata: { id: 'x' }, messages: [] }), TypeError)
    await assert.rejects(view.delete('none.json'), { code: 'ENOENT' })
  })
  assert.equal(at.text('sessions/torn.json'), '{')
})

test('[G2] a document that is deleted comes off the list of those left behind', async (t) => {
  const at = withSessions(t, 'a')
  put(at.root, { 'sessions/torn.json': '{' })
  await at.upgrade(at1)
  assert.equal((await at.status(at1)).left.length, 1)
  await inStep(at, at1, at1.at(2), async (view) => view.delete('torn.json'))
  assert.deepEqual((await at.status(at1)).left, [])
})

test('[P15] a view that outlives its step throws, and a step that did not await it has failed', async (t) => {
  const at = withSessions(t, 'a', 'b')
  const kept: Access<ReturnType<typeof at1.at<1>>>[] = []
  let iterator: AsyncIterator<unknown> | null = null
  await inStep(at, at1, at1.at(1), async (view) => {
    kept.push(view)
    iterator = view.all()[Symbol.asyncIterator]()
    await iterator.next()
  })
  const [view] = kept
  await assert.rejects(view!.get('a.json'), fails('HANDLE_EXPIRED'))
  await assert.rejects(view!.put('a.json', {} as never), fails('HANDLE_EXPIRED'))
  await assert.rejects(view!.count(), fails('HANDLE_EXPIRED'))
  assert.throws(() => view!.all(), fails('HANDLE_EXPIRED'))
  await assert.rejects(iterator!.next(), fails('HANDLE_EXPIRED'))
})

test('[P20] lines can be read, changed in place and added; their names stay', async (t) => {
  const at = stateInRoot(t)
  put(at.root, { 'events/a.jsonl': '{"seq":1,"event":"x"}\n\n{"seq":2.0,"event":"y"}' })
  await inStep(at, events, events.at(1), async (view) => {
    const seen: unknown[] = []
    for await (const { file, value } of view.all()) {
      seen.push([file, value.event])
      if (value.seq === 1) {
        await view.put('a.jsonl', { seq: 3, event: 'z' })
        await view.put('a.jsonl:3', { seq: 2, event: 'Y' })
        await view.put('new.jsonl', { seq: 1, event: 'n' })
      }
    }
    assert.deepEqual(seen, [
      ['a.jsonl:1', 'x'],
      ['a.jsonl:3', 'y'],
    ])
    assert.equal((await view.get('a.jsonl:4'))?.event, 'z')
    assert.equal(await view.get('a.jsonl:2'), undefined)
    assert.equal(await view.count(), 4)
    await assert.rejects(view.get('a.jsonl'), TypeError)
    await assert.rejects(view.delete('a.jsonl:1'), TypeError)
    await assert.rejects(view.put('a.jsonl:9', { seq: 9, event: '' }), { code: 'ENOENT' })
    await view.put('a.jsonl', { seq: 5, event: 'last' })
  })
  assert.equal(
    at.text('events/a.jsonl'),
    '{"schema_version":2,"seq":1,"kind":"x"}\n\n{"schema_version":2,"seq":2.0,"kind":"Y"}\n{"schema_version":2,"seq":3,"kind":"z"}\n{"schema_version":2,"seq":5,"kind":"last"}\n',
  )
  assert.equal(at.text('events/new.jsonl'), '{"schema_version":2,"seq":1,"kind":"n"}\n')
})

test('[P20] elements can be read, changed in place and added', async (t) => {
  const at = stateInRoot(t)
  const list = records('list', { path: 'list.json', each: 'element', record: EventAt2 })
  put(at.root, { 'list.json': '[\n  {"seq":1.0,"event":"x"}\n]\n' })
  await inStep(at, list, list.at(1), async (view) => {
    await view.put('list.json[0]', { seq: 1, event: 'X' })
    await view.put('list.json', { seq: 2, event: 'y' })
    await view.put('list.json', { seq: 3, event: 'z' })
    assert.equal((await view.get('list.json[2]'))?.event, 'z')
    assert.equal(await view.count(), 3)
    await view.put('list.json', { seq: 4, event: 'w' })
    await assert.rejects(view.put('list.json[9]', { seq: 2, event: 'y' }), { code: 'ENOENT' })
  })
  assert.deepEqual(JSON.parse(at.text('list.json')), [
    { schema_version: 2, seq: 1, kind: 'X' },
    { schema_version: 2, seq: 2, kind: 'y' },
    { schema_version: 2, seq: 3, kind: 'z' },
    { schema_version: 2, seq: 4, kind: 'w' },
  ])
  assert.match(at.text('list.json'), /^\[\n  \{"schema_version":2,"seq":1\.0,"kind":"X"\},\n/)
})

test('[G2] an element is not added to a file that cannot be read', async (t) => {
  const at = stateInRoot(t)
  const list = records('list', { path: 'list.json', each: 'element', record: EventAt2 })
  put(at.root, { 'list.json': '[{"seq":1,' })
  await inStep(at, list, list.at(2), async (view) => {
    await view.put('list.json', { seq: 2, kind: 'y' })
    await assert.rejects(view.count(), fails('RECORD_REJECTED', /list\.json/))
  })
  assert.equal(at.text('list.json'), '[{"seq":1,')
})
