import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { records } from 'moult'
import * as v from 'valibot'
import { look, put } from '../disk/tree.js'
import { Memory, memoryText } from './shapes.js'
import { fails, namedBy, stateInRoot } from './state.js'

const options = {
  path: 'memory',
  files: '**/*.json',
  ignore: ['.embeddings/**', 'lost+found'],
  marker: '.rockbot-schema',
} as const
const memory = records('memory', { ...options, record: Memory }).adopt('oldest')
const at2 = (id: string): string =>
  `${memoryText(id).slice(0, -1)},"lastSeenAt":"${JSON.parse(memoryText(id)).createdAt}","reinforcementCount":1}`

test('[R5] memory without a marker is refused until somebody says what it is', async (t) => {
  const at = stateInRoot(t)
  put(at.root, { 'memory/work/a.json': memoryText('a') })
  const before = look(at.root)
  await assert.rejects(at.upgrade(records('memory', { ...options, record: Memory })), fails('STORE_LEGACY'))
  assert.deepEqual(look(at.root), before)
  await at.upgrade(memory)
  assert.equal(at.text('memory/work/a.json'), at2('a'), 'escapes, nulls and order are kept')
  assert.equal((await at.upgrade(memory)).outcome, 'up-to-date')
})

test('[R5] memory can be adopted at a later version: nothing is done to it', async (t) => {
  const at = stateInRoot(t)
  put(at.root, { 'memory/a.json': at2('a') })
  const before = look(join(at.root, 'memory'), { times: true })
  const store = records('memory', { ...options, record: Memory }).adopt({ at: 2 })
  assert.equal((await at.upgrade(store)).stores[0]?.version, 2)
  assert.equal(look(join(at.root, 'memory'))['a.json'], before['a.json'])
})

test('[G8] when the marker of memory is lost nothing is guessed from its documents', async (t) => {
  const at = stateInRoot(t)
  put(at.root, { 'memory/a.json': memoryText('a') })
  await at.upgrade(memory)
  fs.unlinkSync(join(at.root, 'memory/.rockbot-schema'))
  const before = look(at.root)
  await assert.rejects(at.upgrade(memory), fails('MARKER_LOST'))
  assert.deepEqual(look(at.root), before)
})

test('[R7] a layout moves files after they were brought to its version, and left ones are named where they are now', async (t) => {
  const at = stateInRoot(t)
  const store = records('memory', {
    ...options,
    record: Memory,
    layout: {
      2: async ({ files }) => {
        for await (const file of files.glob('*.json')) await files.move(file, `general/${file}`)
      },
    },
  }).adopt('oldest')
  put(at.root, { 'memory/a.json': memoryText('a'), 'memory/bad.json': '{', 'memory/work/b.json': memoryText('b') })
  const report = await at.upgrade(store)
  assert.deepEqual(fs.readdirSync(join(at.root, 'memory')).sort(), ['.rockbot-schema', 'general', 'work'])
  assert.equal(at.text('memory/general/a.json'), at2('a'))
  assert.equal(at.text('memory/work/b.json'), at2('b'))
  assert.deepEqual(
    report.stores[0]?.left.map(({ file }) => file),
    ['general/bad.json'],
  )
  assert.equal(report.steps.at(-1)?.changes.records, 2)
  assert.deepEqual(namedBy(await at.verify(store)), ['memory/general/bad.json'])
})

test('[R7] a layout that skips is taken back, but the records stay at the version they were brought to', async (t) => {
  const at = stateInRoot(t)
  const store = records('memory', {
    ...options,
    record: Memory,
    layout: {
      2: async ({ files, skip }) => {
        await files.move('a.json', 'b.json')
        skip('not here')
      },
    },
  }).adopt('oldest')
  put(at.root, { 'memory/a.json': memoryText('a') })
  const report = await at.upgrade(store)
  assert.equal(at.text('memory/a.json'), at2('a'))
  assert.deepEqual(
    [report.steps.at(-1)?.result, report.steps.at(-1)?.reason],
    ['done', 'its layout was skipped: not here'],
  )
})

test('[G3] a layout that throws takes the records back with it', async (t) => {
  const at = stateInRoot(t)
  put(at.root, { 'memory/a.json': memoryText('a') })
  const before = look(at.root)
  const store = records('memory', {
    ...options,
    record: Memory,
    layout: {
      2: async ({ files }) => {
        await files.move('a.json', 'b/c.json')
        throw new Error('no')
      },
    },
  }).adopt('oldest')
  await assert.rejects(at.upgrade(store), fails('STEP_FAILED', /memory\/v2/))
  assert.deepEqual(look(at.root), before)
})

test('[R5] a document left behind keeps its own version: mended later it is brought on from there; where that cannot be known, it is left', async (t) => {
  const at = stateInRoot(t)
  const Memory3 = Memory.version(3, v.looseObject({ id: v.string(), seen: v.array(v.string()) }), {
    up: ({ lastSeenAt, ...rest }) => ({ ...rest, seen: [lastSeenAt] }),
  })
  put(at.root, { 'memory/a.json': memoryText('a'), 'memory/old.json': '{', 'memory/new.json': '{' })
  await at.upgrade(memory)
  assert.equal((await at.status(memory)).left.length, 2)
  // A person mends one; the app, which knows version 2, writes the other anew.
  put(at.root, {
    'memory/old.json': memoryText('old'),
    'memory/new.json': at2('new').replace('"reinforcementCount":1', '"reinforcementCount":5'),
  })
  const report = await at.upgrade(records('memory', { ...options, record: Memory3 }).adopt('oldest'))
  // Its schema of version 1 allows what version 2 has besides, and bringing it there would count from 1 again.
  assert.deepEqual(
    report.stores[0]?.left.map(({ file, at: oldest, or }) => [file, oldest, or]),
    [['new.json', 1, [2]]],
  )
  assert.deepEqual(JSON.parse(at.text('memory/old.json')).reinforcementCount, 1)
  assert.deepEqual(JSON.parse(at.text('memory/new.json')).reinforcementCount, 5)
  for (const name of ['a', 'old']) assert.ok(Array.isArray(JSON.parse(at.text(`memory/${name}.json`)).seen))
})
