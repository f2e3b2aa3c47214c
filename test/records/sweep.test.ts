import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { record, records } from 'moult'
import { z } from 'zod'
import { look, put } from '../disk/tree.js'
import { CountAt1, CountAt4, SessionAt2, SessionAt3, sessionText, sessionTextAt2 } from './shapes.js'
import { fails, namedBy, stateInRoot } from './state.js'

const sessions = records('session', { path: 'sessions', files: '*.json', record: SessionAt2 })
const counts = records('counts', { path: 'counts', files: '**/*.json', record: CountAt4 })
const Count = z.object({ n: z.number() })

/** Documents that no sweep may touch, and what is said of each. */
const bad: Record<string, [string, RegExp]> = {
  'array.json': ['[]', /not a JSON object/],
  'big.json': ['{"v":1,"n":1,"id":12345678901234567890}', /number that JavaScript would round/],
  'empty.json': ['', /text is empty/],
  'newer.json': ['{"v":5,"n":1}', /at version 5, and this program knows 4/],
  'null.json': ['{"v":null,"n":1}', /'v' is not a whole number/],
  'text.json': ['{"v":"2","n":1}', /'v' is not a whole number/],
  'torn.json': ['{"v":1,"n":1', /ends too early/],
  'twice.json': ['{"v":1,"n":1,"n":2}', /stands twice/],
  'wrong.json': ['{"v":2,"n":"one"}', /no version 2: .*\$\.n/],
  'wrong-now.json': ['{"v":4}', /no version 4: .*\$\.n/],
}
const good: Record<string, [string, string]> = {
  'bom.json': ['\uFEFF{"v":1,"n":1}', '\uFEFF{"v":4,"n":30}'],
  'current.json': ['{ "v": 4, "n": 30 }', '{ "v": 4, "n": 30 }'],
  'proto.json': ['{"__proto__":{"a":1.0},"v":3,"n":3}', '{"__proto__":{"a":1.0},"v":4,"n":30}'],
  'unversioned.json': ['{\r\n\t"n":1.0\r\n}', '{\r\n\t"v":4,\r\n\t"n":30\r\n}'],
  'v1.json': ['{"v":1,"b":1.10,"n":1,"a":"\\u00e9\\/"}', '{"v":4,"b":1.10,"n":30,"a":"\\u00e9\\/"}'],
  'v3.json': ['{"n":3,"v":3}\n\n', '{"n":30,"v":4}\n\n'],
}

test('[C8] a folder of mixed versions: each document is brought from where it is, and its other bytes stay', async (t) => {
  const at = stateInRoot(t)
  for (const [name, [text]] of Object.entries({ ...good, ...bad })) put(at.root, { [`counts/${name}`]: text }, 0o600)
  fs.writeFileSync(join(at.root, 'counts/utf8.json'), Buffer.from([0x7b, 0xff, 0x7d]))
  const before = look(join(at.root, 'counts'))
  const report = await at.upgrade(counts)
  const after = look(join(at.root, 'counts'))
  for (const [name, [, text]] of Object.entries(good)) assert.equal(at.text(`counts/${name}`), text, name)
  for (const name of [...Object.keys(bad), 'utf8.json', 'current.json']) assert.equal(after[name], before[name], name)
  for (const name of Object.keys(good)) assert.match(after[name]!, /^600 /, 'its mode is kept')

  const left = (await at.status(counts)).left
  assert.deepEqual(left.map(({ file }) => file).sort(), [...Object.keys(bad), 'utf8.json'].sort())
  for (const { file, reason } of left) assert.match(reason, bad[file]?.[1] ?? /not UTF-8/, file)
  assert.deepEqual(report.stores[0]?.left, left)
  assert.equal(report.steps.at(-1)?.changes.records, 5)
  assert.equal(report.steps.at(-1)?.changes.filesChanged, 5)
  assert.deepEqual(namedBy(await at.verify(counts)).sort(), left.map(({ file }) => `counts/${file}`).sort())
})

test('[C2] a session is rewritten only where it differs', async (t) => {
  const at = stateInRoot(t)
  put(at.root, { 'sessions/a.json': sessionText('a'), 'sessions/b.json': sessionText('b', null) })
  await at.upgrade(sessions)
  assert.equal(at.text('sessions/a.json'), sessionTextAt2('a'))
  assert.equal(
    at.text('sessions/b.json'),
    sessionTextAt2('b'),
    'the version key comes first, where listings look for it',
  )
})

test('[C4] one torn document among 50 keeps none of the others from being upgraded', async (t) => {
  const at = stateInRoot(t)
  for (let index = 0; index < 49; index++) put(at.root, { [`sessions/${index}.json`]: sessionText(`${index}`) })
  put(at.root, { 'sessions/torn.json': sessionText('torn').slice(0, 100) })
  const report = await at.upgrade(sessions)
  assert.equal(report.steps.at(-1)?.changes.records, 49)
  assert.deepEqual(
    report.stores[0]?.left.map(({ file }) => file),
    ['torn.json'],
  )
  assert.equal(at.text('sessions/torn.json'), sessionText('torn').slice(0, 100))
})

test('[C8] what was left is tried again at the next upgrade, and comes off the list when it is mended', async (t) => {
  const at = stateInRoot(t)
  put(at.root, { 'sessions/a.json': sessionText('a'), 'sessions/b.json': '{' })
  await at.upgrade(sessions)
  put(at.root, { 'sessions/b.json': sessionText('b') })
  const later = records('session', { path: 'sessions', files: '*.json', record: SessionAt3 })
  const report = await at.upgrade(later)
  assert.deepEqual(report.stores[0]?.left, [])
  assert.equal(JSON.parse(at.text('sessions/b.json')).schema_version, 3)
})

test("[G2] with invalid: 'refuse' nothing changes, and the first ten are named", async (t) => {
  const at = stateInRoot(t)
  const strict = records('counts', { path: 'counts', files: '*.json', record: CountAt4, invalid: 'refuse' })
  put(at.root, { 'counts/good.json': '{"v":1,"n":1}' })
  for (let index = 10; index < 22; index++) put(at.root, { [`counts/${index}.json`]: '{' })
  const before = look(at.root)
  await assert.rejects(at.upgrade(strict), (error) => {
    const { message } = error as Error
    return (
      fails('RECORDS_INVALID', /12 documents of 'counts'/)(error) &&
      /10\.json/.test(message) &&
      !/20\.json/.test(message) &&
      /and 2 more/.test(message)
    )
  })
  assert.deepEqual(look(at.root), before)
})

test("[G2] with invalid: 'refuse' documents are looked at even if there is only one version", async (t) => {
  const at = stateInRoot(t)
  const strict = records('counts', { path: 'counts', files: '*.json', record: CountAt1, invalid: 'refuse' })
  put(at.root, { 'counts/a.json': '{"n":"one"}' })
  await assert.rejects(at.upgrade(strict), fails('RECORDS_INVALID', /A document of 'counts'.*a\.json/))
  assert.ok(!at.exists('counts/.schema-version'))
})

test('[C4] documents of a record with one version are looked at once, and named', async (t) => {
  const at = stateInRoot(t)
  const one = records('counts', { path: 'counts', files: '*.json', record: CountAt1 })
  put(at.root, { 'counts/a.json': '{"n":"one"}', 'counts/b.json': '{"n":1}', 'counts/c.json': '{"v":2,"n":1}' })
  const report = await at.upgrade(one)
  assert.deepEqual(
    report.stores[0]?.left.map(({ file }) => file),
    ['a.json', 'c.json'],
  )
  assert.equal(at.text('counts/b.json'), '{"n":1}', 'what a missing version means was decided; it is not written in')
})

for (const [what, up] of [
  [
    'throws',
    () => {
      throw new Error('s3cret')
    },
  ],
  ['returns another shape', () => ({ n: 'one' })],
  ['returns what JSON cannot hold', (a: object) => ({ ...a, n: 1, at: new Date(0) })],
] as const) {
  test(`[G3] a change that ${what} fails the step, names the file, and every path is as it was`, async (t) => {
    const at = stateInRoot(t)
    const broken = CountAt1.version(2, Count, { up: up as never })
    put(at.root, { 'counts/a.json': '{"v":2,"n":1}', 'counts/b.json': '{"v":1,"n":1}' })
    const before = look(at.root)
    await assert.rejects(
      at.upgrade(records('counts', { path: 'counts', files: '*.json', record: broken })),
      (error) => {
        return fails('STEP_FAILED', /counts\/v2 failed on b\.json/)(error) && !/s3cret/.test((error as Error).message)
      },
    )
    assert.deepEqual(look(at.root), before)
  })
}

test('[C1] a run to a version in between stops there; the rest comes with the next', async (t) => {
  const at = stateInRoot(t)
  put(at.root, { 'counts/a.json': '{"v":1,"n":1}', 'counts/b/c.json': '{"v":3,"n":3}' })
  await at.upgrade(counts, { target: 'counts@2' })
  assert.equal(at.text('counts/a.json'), '{"v":2,"n":2}')
  assert.equal(at.text('counts/b/c.json'), '{"v":3,"n":3}', 'a document ahead of the sweep is not touched')
  assert.deepEqual([(await at.status(counts)).version, (await at.status(counts)).status], [2, 'behind'])
  await at.upgrade(counts)
  assert.equal(at.text('counts/a.json'), '{"v":4,"n":30}')
  assert.equal(at.text('counts/b/c.json'), '{"v":4,"n":30}')
})

test('[R5] a store without files is fresh, and current at once; also when its first versions are gone', async (t) => {
  const at = stateInRoot(t)
  const n = CountAt4['~record']
  assert.equal(n.oldest, 1)
  const fresh = await at.upgrade(counts)
  assert.deepEqual([fresh.outcome, fresh.stores[0]?.version, fresh.stores[0]?.status], ['upgraded', 4, 'current'])
  assert.equal((await at.upgrade(counts)).outcome, 'up-to-date')
  assert.ok(at.exists('counts/.schema-version'))
})

test('[C9] files without a marker are swept when they are first seen: they say themselves what they are', async (t) => {
  const at = stateInRoot(t)
  put(at.root, { 'counts/a.json': '{"v":2,"n":2}' })
  assert.equal((await at.status(counts)).status, 'legacy')
  await at.upgrade(counts)
  fs.unlinkSync(join(at.root, 'counts/.schema-version'))
  put(at.root, { 'counts/b.json': '{"n":1}' })
  assert.equal((await at.upgrade(counts)).outcome, 'upgraded')
  assert.equal(at.text('counts/b.json'), '{"v":4,"n":30}')
})

test('[C4] a newer marker is refused by an older program, which changes no byte; one that is additive is not', async (t) => {
  const at = stateInRoot(t)
  put(at.root, { 'counts/a.json': '{"v":1,"n":1}' })
  const at2 = CountAt1.version(2, Count, { up: (a) => a })
  const at3 = at2.version(3, Count, { up: (a) => a, additive: true })
  const store = (record: typeof at2 | typeof at3 | typeof CountAt1) =>
    records('counts', { path: 'counts', files: '*.json', record: record as typeof at2 })
  await at.upgrade(store(at3))
  const before = look(at.root)
  await assert.rejects(at.upgrade(store(CountAt1)), fails('STORE_NEWER', /needs at least version 2/))
  assert.equal((await at.upgrade(store(at2))).outcome, 'up-to-date')
  assert.deepEqual(look(at.root), before)
})

test('[G8] a damaged marker stops the upgrade; the documents are not taken for new ones', async (t) => {
  const at = stateInRoot(t)
  put(at.root, { 'counts/a.json': '{"v":1,"n":1}', 'counts/.schema-version': '{"moult":1,' })
  const before = look(at.root)
  await assert.rejects(at.upgrade(counts), fails('MARKER_UNREADABLE'))
  assert.deepEqual(look(at.root), before)
})

test('[C6] symlinks and hard-linked files are left, with what they point at', async (t) => {
  const at = stateInRoot(t)
  put(at.root, {
    'outside/a.json': '{"v":1,"n":1}',
    'counts/b.json': '{"v":1,"n":1}',
    'counts/current.json': '{"v":4,"n":1}',
  })
  fs.symlinkSync('../outside/a.json', join(at.root, 'counts/link.json'))
  fs.linkSync(join(at.root, 'outside/a.json'), join(at.root, 'counts/hard.json'))
  fs.linkSync(join(at.root, 'counts/current.json'), join(at.root, 'outside/c.json'))
  const before = look(join(at.root, 'outside'))
  const report = await at.upgrade(counts)
  assert.deepEqual(look(join(at.root, 'outside')), before)
  assert.deepEqual(
    report.stores[0]?.left.map(({ file, reason }) => [file, /symlink|hard links/.exec(reason)?.[0]]),
    [
      ['link.json', 'symlink'],
      ['hard.json', 'hard links'],
    ],
  )
  assert.equal(at.text('counts/b.json'), '{"v":4,"n":30}')
})

test('[P16] a program that writes during the run is noticed, and keeps what it wrote', async (t) => {
  const at = stateInRoot(t)
  put(at.root, { 'counts/a.json': '{"v":1,"n":1}', 'counts/b.json': '{"v":1,"n":1}' })
  let calls = 0
  const meddled = CountAt1.version(2, Count, {
    up: (a) => {
      if (++calls === 2) fs.writeFileSync(join(at.root, 'counts/a.json'), '{"v":1,"n":7}')
      return a
    },
  })
  await assert.rejects(
    at.upgrade(records('counts', { path: 'counts', files: '*.json', record: meddled })),
    fails('STORE_CHANGED'),
  )
  assert.equal(at.text('counts/a.json'), '{"v":1,"n":7}')
  assert.equal(at.text('counts/b.json'), '{"v":1,"n":1}')
})

test('[G3] an interrupted sweep puts everything back', async (t) => {
  const at = stateInRoot(t)
  const controller = new AbortController()
  for (let index = 0; index < 20; index++) put(at.root, { [`counts/${index}.json`]: '{"v":1,"n":1}' })
  let calls = 0
  const interrupting = CountAt1.version(2, Count, {
    up: (a) => {
      if (++calls === 10) controller.abort()
      return a
    },
  })
  const before = look(at.root)
  await assert.rejects(
    at.upgrade(records('counts', { path: 'counts', files: '*.json', record: interrupting }), {
      signal: controller.signal,
    }),
    fails('INTERRUPTED'),
  )
  assert.deepEqual(look(at.root), before)
  assert.ok(calls < 20)
})

test('[R5] ignored files, other files and markers are not looked at', async (t) => {
  const at = stateInRoot(t)
  const store = records('counts', {
    path: 'counts',
    files: '**/*.json',
    ignore: ['.embeddings/**', 'old'],
    record: CountAt4,
    marker: '.counts-schema',
  })
  put(at.root, {
    'counts/a.json': '{"n":1}',
    'counts/.embeddings/x.json': '{',
    'counts/old/y.json': '{',
    'counts/z.txt': '{',
    'counts/lost+found/q.json': '{',
  })
  const report = await at.upgrade(store)
  assert.deepEqual(report.stores[0]?.left, [])
  assert.ok(at.exists('counts/.counts-schema'))
})

test('[C1] versions that are gone from the code: a marker that ends before them is too old, one after goes on', async (t) => {
  const at = stateInRoot(t)
  put(at.root, { 'counts/a.json': '{"v":1,"n":1}', 'counts/b.json': '{"v":1,"n":"bad"}' })
  await at.upgrade(records('counts', { path: 'counts', files: '*.json', record: CountAt4 }), { target: 'counts@2' })
  const trimmed = record('count', { versionKey: 'v', unversioned: 1 })
    .version(3, Count)
    .version(4, Count, { up: (a) => a })
  const trimmedStore = records('counts', { path: 'counts', files: '*.json', record: trimmed })
  assert.equal((await at.upgrade(trimmedStore)).stores[0]?.status, 'current')
  assert.deepEqual(
    (await at.status(trimmedStore)).left.map(({ file, reason }) => [file, /version \d/.exec(reason)?.[0]]),
    [
      ['a.json', 'version 2'],
      ['b.json', 'version 1'],
    ],
  )
  const newest = record('count', { versionKey: 'v', unversioned: 1 }).version(6, Count)
  await assert.rejects(
    at.upgrade(records('counts', { path: 'counts', files: '*.json', record: newest })),
    fails('STORE_TOO_OLD'),
  )
  const empty = stateInRoot(t)
  assert.equal(
    (await empty.upgrade(records('counts', { path: 'counts', files: '*.json', record: newest }))).stores[0]?.version,
    6,
  )
})
