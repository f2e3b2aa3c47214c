import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { record, records } from 'moult'
import { z } from 'zod'
import { look, put } from '../disk/tree.js'
import { SessionAt2, SessionAt3, sessionText } from './shapes.js'
import { fails, stateInRoot } from './state.js'

const sessions = records('sessions', { path: 'sessions', files: '*.json', record: SessionAt3 })

test('[A6] records go back by their down: stamped with the older version, all else as it was written', async (t) => {
  const at = stateInRoot(t)
  put(at.root, { 'sessions/a.json': sessionText('a') })
  const before = at.text('sessions/a.json')
  await at.upgrade(sessions, { target: 'sessions@1' })
  const first = look(join(at.root, 'sessions'))
  await at.upgrade(sessions)
  assert.match(at.text('sessions/a.json'), /"schema_version": 3/)
  const report = await at.of(sessions).downgrade({ target: sessions.at(1) })
  assert.deepEqual(
    report.steps.map(({ step, direction, changes }) => [step, direction, changes.records]),
    [
      ['v3', 'down', 1],
      ['v2', 'down', 1],
    ],
  )
  assert.deepEqual(JSON.parse(at.text('sessions/a.json')), JSON.parse(before))
  assert.deepEqual(Object.keys(look(join(at.root, 'sessions'))), Object.keys(first))
  assert.equal((await at.status(sessions)).version, 1)
})

test('[A6] documents of every kind of trouble: left ones stay left, those that are behind stay behind, those ahead go back too', async (t) => {
  const at = stateInRoot(t)
  put(at.root, { 'sessions/good.json': sessionText('good'), 'sessions/torn.json': '{ "schema_version": 1,' })
  await at.upgrade(sessions, { target: 'sessions@2' })
  // Since then an older program added one, and a newer one wrote ahead of the store; somebody's is of no known version
  put(at.root, { 'sessions/late.json': sessionText('late'), 'sessions/unknown.json': '{"schema_version": 9}' })
  const ahead = JSON.parse(at.text('sessions/good.json')) as object
  put(at.root, { 'sessions/ahead.json': JSON.stringify({ ...ahead, schema_version: 3, archived: true }) })
  const late = at.text('sessions/late.json')
  await at.of(sessions).downgrade({ target: 'sessions@1' })
  assert.equal((JSON.parse(at.text('sessions/good.json')) as { schema_version: number }).schema_version, 1)
  const back = JSON.parse(at.text('sessions/ahead.json')) as Record<string, unknown>
  assert.deepEqual([back['schema_version'], 'archived' in back, 'messages' in back], [1, false, true])
  assert.equal(at.text('sessions/late.json'), late)
  assert.equal(at.text('sessions/torn.json'), '{ "schema_version": 1,')
  const { left, version } = await at.status(sessions)
  assert.deepEqual([version, left.map(({ file }) => file)], [1, ['torn.json', 'unknown.json']])
  // Forward again from there
  await at.upgrade(sessions)
  assert.match(at.text('sessions/late.json'), /"schema_version": 3/)
})

test('[A6] a document ahead of its store over a version without a way back is left, and named', async (t) => {
  const at = stateInRoot(t)
  const Ahead = SessionAt2.version(3, z.object({ metadata: z.object({ id: z.string() }) }), {
    up: ({ journal: _, ...rest }) => rest,
    down: 'impossible',
  })
  const store = records('sessions', { path: 'sessions', files: '*.json', record: Ahead })
  put(at.root, { 'sessions/a.json': sessionText('a') })
  await at.upgrade(store, { target: 'sessions@2' })
  put(at.root, { 'sessions/b.json': '{"schema_version": 3, "metadata": {"id": "b"}}' })
  await at.of(store).downgrade({ target: 'sessions@1' })
  assert.equal(at.text('sessions/b.json'), '{"schema_version": 3, "metadata": {"id": "b"}}')
  const { left } = await at.status(store)
  assert.deepEqual(
    left.map(({ file, reason }) => [file, /version 3, ahead of its store/.test(reason)]),
    [['b.json', true]],
  )
  // The other way: a store that takes all or nothing
  await at.upgrade(store, { target: 'sessions@2' })
  const strict = records('sessions', { path: 'sessions', files: '*.json', record: Ahead, invalid: 'refuse' })
  const before = look(at.root, { times: true })
  await assert.rejects(at.of(strict).downgrade({ target: 'sessions@1' }), fails('RECORDS_INVALID', /b\.json.*ahead/))
  const after = look(at.root, { times: true })
  assert.deepEqual(
    Object.keys(after).filter((path) => !path.startsWith('.moult') && after[path] !== before[path]),
    [],
  )
})

const One = z.object({ n: z.number() })
const Count = record('count', { versionKey: false })
  .version(1, One)
  .version(2, z.object({ n: z.number(), half: z.number() }), {
    up: (value) => ({ ...value, half: value.n / 2 }),
    down: ({ half: _, ...rest }) => rest,
  })
  .version(3, z.object({ n: z.number(), half: z.number(), twice: z.number() }), {
    up: (value) => ({ ...value, twice: value.n * 2 }),
    down: ({ twice: _, ...rest }) => rest,
  })

test('[A6] documents that say no version go back with their store; one that was left keeps the version it had', async (t) => {
  const at = stateInRoot(t)
  const counts = records('counts', { path: 'counts', files: '*.json', record: Count }).adopt('oldest')
  put(at.root, { 'counts/a.json': '{"n": 1.0}', 'counts/bad.json': '{"n": "many"}' })
  await at.upgrade(counts)
  assert.deepEqual(
    (await at.status(counts)).left.map(({ file, at: version }) => [file, version]),
    [['bad.json', 1]],
  )
  await at.of(counts).downgrade({ target: 'counts@2' })
  assert.deepEqual(JSON.parse(at.text('counts/a.json')), { n: 1, half: 0.5 })
  assert.deepEqual(
    (await at.status(counts)).left.map(({ file, at: version }) => [file, version]),
    [['bad.json', 1]],
  )
  // Mended to what it was written as, it is brought on from there
  put(at.root, { 'counts/bad.json': '{"n": 3}' })
  await at.upgrade(counts)
  assert.deepEqual(JSON.parse(at.text('counts/bad.json')), { n: 3, half: 1.5, twice: 6 })
  await at.of(counts).downgrade({ target: 'counts@1' })
  assert.equal(at.text('counts/a.json'), '{"n": 1.0}')
  assert.deepEqual((await at.status(counts)).left, [])
})

test('[A6] [G8] one that was left and mended since is not taken for what its store is', async (t) => {
  const at = stateInRoot(t)
  const counts = records('counts', { path: 'counts', files: '*.json', record: Count }).adopt('oldest')
  const left = async (): Promise<unknown> => (await at.status(counts)).left.map((each) => [each.file, each.at])
  put(at.root, { 'counts/a.json': '{"n": 1}', 'counts/bad.json': '{"n": "many"}' })
  await at.upgrade(counts)
  put(at.root, { 'counts/bad.json': '{"n": 3}' })
  await at.of(counts).downgrade({ target: 'counts@2' })
  assert.equal(at.text('counts/bad.json'), '{"n": 3}')
  assert.deepEqual(await left(), [['bad.json', 1]])
  await at.of(counts).downgrade({ target: 'counts@1' })
  assert.deepEqual(await left(), [])
  await at.upgrade(counts)
  assert.deepEqual(JSON.parse(at.text('counts/bad.json')), { n: 3, half: 1.5, twice: 6 })
})

test('[A6] lines and elements go back one by one, and keep their places', async (t) => {
  const at = stateInRoot(t)
  const log = records('log', { path: 'log.jsonl', each: 'line', record: Count }).adopt('oldest')
  const list = records('list', { path: 'list.json', each: 'element', record: Count }).adopt('oldest')
  const files = {
    'log.jsonl': '{"n": 1}\n\n{"n": 2, "x": 1e3}\r\ntorn\n{"n": 3}',
    'list.json': '[\n  {"n": 1},\n  {"n": 2}\n]\n',
  }
  put(at.root, files)
  const state = at.of(log, list)
  await state.upgrade()
  assert.notEqual(at.text('log.jsonl'), files['log.jsonl'])
  await state.downgrade({ target: ['log@1', 'list@1'] })
  assert.equal(at.text('log.jsonl'), files['log.jsonl'])
  assert.equal(at.text('list.json'), files['list.json'])
  assert.deepEqual(
    (await at.status(log)).left.map(({ file }) => file),
    ['log.jsonl:4'],
  )
})

test('[A6] a version whose layout moved files has no way back, and nothing is changed', async (t) => {
  const at = stateInRoot(t)
  const counts = records('counts', {
    path: 'counts',
    files: '**/*.json',
    record: Count,
    layout: { 3: ({ files }) => files.move('a.json', 'sub/a.json') },
  }).adopt('oldest')
  put(at.root, { 'counts/a.json': '{"n": 1}' })
  await at.upgrade(counts)
  const before = look(at.root, { times: true })
  await assert.rejects(at.of(counts).downgrade({ target: 'counts@2' }), fails('DOWN_MISSING', /counts\/v3/))
  assert.deepEqual(look(at.root, { times: true }), before)
  assert.ok(fs.existsSync(join(at.root, 'counts/sub/a.json')))
})
