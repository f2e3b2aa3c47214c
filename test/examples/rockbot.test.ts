import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { defineState, directory, records, stepsFrom, track } from 'moult'
import * as v from 'valibot'
import { examples } from '../../examples/index.js'
import { memory, Memory } from '../../examples/rockbot/framework/memory.js'
import { rockbot, skills, tasks } from '../../examples/rockbot/framework/index.js'
import { contacts, crm, state } from '../../examples/rockbot/state.js'
import { footprint } from '../support/footprint.js'
import { checkUpgrade, emptyRoot, filesIn, oldRoots, refuses } from './old-roots.js'

const example = examples.find(({ name }) => name === 'rockbot')!
const roots = oldRoots(example)

const textOf = (root: string, path: string): string => readFileSync(join(root, path), 'utf8')
const jsonOf = (root: string, path: string): any => JSON.parse(textOf(root, path))
const linesOf = (root: string, path: string): any[] =>
  textOf(root, path)
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

async function upgraded(t: TestContext): Promise<string> {
  const root = roots.copy(t)
  await state.in(root).upgrade()
  return root
}

test('[R3] [R5] [R7] [R11] an old volume is upgraded whole, file by file and row by row, and a second upgrade changes nothing', async (t) => {
  const root = roots.copy(t)
  const torn = statSync(join(root, 'memory/0badc0ffee00.json'), { bigint: true }).mtimeNs
  const report = await checkUpgrade(example, roots, root)
  const left = report.stores.flatMap((store) => store.left.map(({ file }) => `${store.name}: ${file}`))
  assert.deepEqual(left, ['memory: general/0badc0ffee00.json', 'wisp: wisp-executions.jsonl:801'])
  assert.equal(statSync(join(root, 'memory/general/0badc0ffee00.json'), { bigint: true }).mtimeNs, torn)
})

test("[R1] each store's marker lies in its own root, and the agent's recursive *.json index sees nothing but records", async (t) => {
  const root = await upgraded(t)
  const markers = ['contacts', 'conversations', 'feedback', 'skills', 'tool-calls', 'working-memory'].map(
    (store) => `${store}/.schema-version`,
  )
  for (const marker of [...markers, '.tasks.schema-version', '.wisp.schema-version', 'memory/.rockbot-schema']) {
    const { moult, store } = jsonOf(root, marker) as { moult: number; store: string }
    assert.equal(moult, 1)
    assert.ok(marker === `.${store}.schema-version` || marker.startsWith(`${store}/`), marker)
  }
  const hidden = filesIn(root, '.').filter((path) => basename(path).startsWith('.') && !path.startsWith('.moult/'))
  assert.equal(hidden.length, markers.length + 3)
  const indexed = filesIn(root, 'memory').filter((path) => path.endsWith('.json') && !path.startsWith('lost+found/'))
  for (const path of indexed) assert.match(basename(path), /^[0-9a-f]{12}\.json$/)
  assert.throws(() => directory('plans', { path: 'plans', marker: '_version.json' }), /must not end in \.json/)
})

test("[R2] the framework ships its steps and a consumer adds its own to the framework's store: each list is counted apart", async (t) => {
  const root = await upgraded(t)
  const history = (await state.in(root).history()).filter(({ store }) => store === 'skills')
  assert.deepEqual(
    history.map(({ track, step }) => `${track}/${step}`),
    ['/resources', 'acme/owners'],
  )
  const before = footprint(root)
  const [, plain] = (await rockbot.in(root).upgrade()).stores
  assert.equal(plain?.status, 'current')
  assert.deepEqual(plain?.tracks, { acme: { version: 1, head: null } }, 'an agent without the plugin goes on')
  assert.deepEqual(footprint(root), before)

  const seen: string[] = []
  const nextSkills = skills.step('framework-next', { up: () => void seen.push('framework') })
  const nextAcme = track('acme', nextSkills)
    .step('owners', { up: () => void seen.push('again') })
    .step('acme-next', { up: () => void seen.push('acme') })
  const next = defineState({ app: 'rockbot', stores: [nextSkills, nextAcme] }).in(root)
  const report = await next.upgrade()
  assert.deepEqual(seen.toSorted(), ['acme', 'framework'])
  assert.equal(report.stores[0]?.version, 2)
  assert.deepEqual(report.stores[0]?.tracks, { acme: { version: 2, head: 2 } })
})

test('[R3] a volume that is behind gets what is pending, in order, and each step is stamped', async (t) => {
  const root = roots.copy(t)
  const agent = state.in(root)
  assert.deepEqual(
    (await agent.upgrade({ target: ['memory@1', 'feedback@signal-names'] })).steps.map(
      ({ store, step }) => `${store}/${step}`,
    ),
    ['memory/v1', 'feedback/signal-names'],
  )
  assert.equal(jsonOf(root, 'memory/.rockbot-schema').version, 1)
  const found = (await agent.status()).stores.find(({ name }) => name === 'memory')
  assert.deepEqual([found?.status, found?.version, found?.pending], ['behind', 1, ['v2']])

  await using held = await agent.open()
  const steps = held.report.steps.map(({ store, track, step }) => `${store}/${track}${step}`)
  assert.ok(
    !steps.includes('memory/v1') && !steps.includes('feedback/signal-names'),
    'what is stamped does not run again',
  )
  assert.ok(steps.includes('memory/v2'))
  assert.ok(steps.indexOf('skills/resources') < steps.indexOf('tasks/directives'))
  assert.ok(steps.indexOf('skills/resources') < steps.indexOf('skills/acmeowners'))
  assert.ok(steps.indexOf('memory/v2') < steps.indexOf('crm/import-contacts'))
  assert.deepStrictEqual(example.readContent(root), example.expectedContent(roots.old))
})

test('[R3] a gap, a duplicate and a backward step are found where they are defined, before anything is looked at', () => {
  const Any = v.looseObject({ id: v.string() })
  const up = (value: unknown): never => value as never
  assert.throws(() => Memory.version(4 as never, Any, { up }), /the next is 3/)
  assert.throws(() => Memory.version(2 as never, Any, { up }), /the next is 3/)
  assert.throws(() => skills.step('resources' as never, { up: () => undefined }), TypeError)
  assert.throws(() => stepsFrom({ '0001_create': { up: 'SELECT 1' }, '0003_more': { up: 'SELECT 1' } }), TypeError)
  assert.throws(() => defineState({ app: 'rockbot', stores: [tasks] }), /'skills' is not part of this state/)
})

test('[R4] memories from a newer release: an older agent logs it, goes on, and changes no byte', async (t) => {
  const root = await upgraded(t)
  const Memory3 = Memory.version(3, v.looseObject({ id: v.string(), text: v.string() }), {
    up: ({ content, ...rest }) => ({ ...rest, text: content }),
  })
  const newer = records('memory', {
    path: 'memory',
    files: '**/*.json',
    ignore: ['**/.embeddings'],
    record: Memory3,
    marker: '.rockbot-schema',
  }).adopt('oldest')
  await defineState({ app: 'rockbot', appVersion: '0.16.0', stores: [newer] })
    .in(root)
    .upgrade()

  const before = footprint(root)
  await using held = await state.in(root).open()
  const found = held.report.stores.find(({ name }) => name === 'memory')
  assert.deepEqual([held.report.outcome, found?.status, found?.version, found?.floor], ['up-to-date', 'newer', 3, 3])
  assert.deepEqual(footprint(root), before)
  await refuses(root, () => state.in(root).open({ onNewer: 'floor' }), 'STORE_NEWER', /0\.16\.0.*at least version 3/)
})

test("[R4] the consumer's database goes on with newer data only as far as its floor permits", async (t) => {
  const root = await upgraded(t)
  const additive = crm.step('index', { additive: true, up: 'CREATE INDEX visit_at ON visit(at)' })
  await defineState({ app: 'rockbot', appVersion: '0.16.0', stores: [memory, contacts, additive] })
    .in(root)
    .upgrade()
  const held = await state.in(root).open()
  assert.equal(held.report.stores.find(({ name }) => name === 'crm')?.status, 'newer')
  await held.close()
  const breaking = additive.step('rename', { up: 'ALTER TABLE customer RENAME TO client' })
  await defineState({ app: 'rockbot', appVersion: '0.17.0', stores: [memory, contacts, breaking] })
    .in(root)
    .upgrade()
  await refuses(root, () => state.in(root).open(), 'STORE_NEWER', /'crm'.*0\.17\.0/)
  await refuses(root, () => state.in(root).upgrade(), 'STORE_NEWER', /'crm'/)
})

test('[R5] a volume from before moult is legacy: what is pending is all that lies after what each store is said to be', async () => {
  const { stores } = await state.in(roots.old).status()
  assert.deepEqual(
    stores.map(({ name, status, version, pending }) => [name, status, version, pending.join(' ')]),
    [
      ['memory', 'legacy', null, 'v1 v2'],
      ['skills', 'legacy', null, 'resources acme/owners'],
      ['feedback', 'legacy', null, 'signal-names'],
      ['tool-calls', 'fresh', null, 'split-from-feedback'],
      ['conversations', 'legacy', null, 'lines'],
      ['working-memory', 'legacy', null, 'v1 v2'],
      ['tasks', 'legacy', null, 'directives'],
      ['wisp', 'legacy', null, 'v1'],
      ['contacts', 'legacy', null, ''],
      ['crm', 'legacy', null, 'import-contacts'],
    ],
  )
})

test('[R5] a new volume is stamped current, and nothing is on it but markers and the empty database', async (t) => {
  const root = emptyRoot(t)
  // The volume is a file system of its own, and an agent that lost its memories still has their embeddings.
  for (const path of [
    'lost+found/#1',
    'memory/lost+found/#2.json',
    'memory/.embeddings/ab.bin',
    'skills/patrol/.embeddings/a.bin',
  ]) {
    mkdirSync(join(root, path, '..'), { recursive: true })
    writeFileSync(join(root, path), 'x')
  }
  for (const { name, status } of (await state.in(root).status()).stores) assert.equal(status, 'fresh', name)
  const { outcome, stores } = await state.in(root).upgrade()
  assert.equal(outcome, 'upgraded')
  for (const { name, status, version, head } of stores) assert.deepEqual([status, version], ['current', head], name)
  const files = filesIn(root, '.').filter((path) => !path.startsWith('.moult/') && !/schema(-version)?$/.test(path))
  assert.deepEqual(files, [
    'crm.db',
    'lost+found/#1',
    'memory/.embeddings/ab.bin',
    'memory/lost+found/#2.json',
    'skills/patrol/.embeddings/a.bin',
  ])
})

for (const [what, text, pattern] of [
  ['empty', '', /is empty/],
  ['torn', '{"moult":1,"store":"memory","ver', /not valid JSON/],
  ['foreign', '{"version":"3.1"}', /not written by moult/],
  [
    "another store's",
    '{"moult":1,"store":"skills","version":0,"floor":0,"steps":[],"touches":[],"left":[]}',
    /belongs to a store named "skills"/,
  ],
] as const)
  test(`[R5] a marker that is ${what} is neither old nor new: the agent does not start, and nothing changes`, async (t) => {
    const root = roots.copy(t)
    writeFileSync(join(root, 'memory/.rockbot-schema'), text)
    await refuses(root, () => state.in(root).open(), 'MARKER_UNREADABLE', pattern)
    await refuses(root, () => state.in(root).upgrade(), 'MARKER_UNREADABLE', pattern)
    assert.equal(existsSync(join(root, '.moult')), false)
  })

test('[R5] data whose marker was deleted does not count as data from before moult: steps never run twice on it', async (t) => {
  const root = await upgraded(t)
  rmSync(join(root, 'feedback/.schema-version'))
  await refuses(root, () => state.in(root).open(), 'MARKER_LOST', /'feedback'/)
})

test('[R5] data without a marker that nobody declared is refused, also if other stores are fine', async (t) => {
  const root = roots.copy(t)
  const undeclared = directory('plans', { path: 'plans' }).step('first', { up: () => undefined })
  mkdirSync(join(root, 'plans'))
  writeFileSync(join(root, 'plans/a.md'), 'a')
  await refuses(root, () => state.add(undeclared).in(root).open(), 'STORE_LEGACY', /'plans'/)
})

test('[R7] a directory is restructured: memories without a category move into one, and the app finds none at the top', async (t) => {
  const root = await upgraded(t)
  const isMemory = (path: string): boolean => path.endsWith('.json') && !path.includes('lost+found')
  const old = filesIn(roots.old, 'memory').filter(isMemory)
  const top = old.filter((path) => !path.includes('/'))
  assert.ok(top.length > 20)
  assert.deepEqual(
    filesIn(root, 'memory').filter(isMemory),
    old.map((path) => (top.includes(path) ? `general/${path}` : path)).sort(),
  )
})

test('[R7] a store is split into two: each line of feedback is in one of them, none in both', async (t) => {
  const root = await upgraded(t)
  for (const file of filesIn(roots.old, 'feedback')) {
    const ids = (folder: string, at: string): string[] =>
      existsSync(join(at, folder, file)) ? linesOf(at, `${folder}/${file}`).map(({ id }) => id as string) : []
    const parts = [...ids('feedback', root), ...ids('tool-calls', root)]
    assert.deepEqual(parts.toSorted(), ids('feedback', roots.old).toSorted())
    for (const { signalType } of existsSync(join(root, 'feedback', file)) ? linesOf(root, `feedback/${file}`) : [])
      assert.doesNotMatch(signalType, /^Tool|\d/)
  }
  assert.equal(
    filesIn(roots.old, 'feedback').length - filesIn(root, 'feedback').filter((path) => path.endsWith('.jsonl')).length,
    1,
    'one session had only tools',
  )
})

test('[R7] a required field is renamed, and a program that knows only the old name is refused', async (t) => {
  const root = await upgraded(t)
  for (const file of filesIn(roots.old, 'working-memory')) {
    const keys = (jsonOf(roots.old, `working-memory/${file}`) as { key: string }[]).map(({ key }) => key)
    assert.deepEqual(
      (jsonOf(root, `working-memory/${file}`) as { path: string }[]).map(({ path }) => path),
      keys,
    )
  }
  assert.equal((await state.in(root).status()).stores.find(({ name }) => name === 'working-memory')?.floor, 2)
})

test('[R7] a file format changes: conversations become lines, and a skill a document with files beside it', async (t) => {
  const root = await upgraded(t)
  for (const file of filesIn(roots.old, 'conversations')) {
    const { turns, ...conversation } = jsonOf(roots.old, `conversations/${file}`)
    assert.deepEqual(linesOf(root, `conversations/${file}l`), [conversation, ...turns])
    assert.equal(existsSync(join(root, 'conversations', file)), false)
  }
  const { content } = jsonOf(roots.old, 'skills/plan-trip.json')
  assert.equal(textOf(root, 'skills/plan-trip.resources/main.md'), content)
  assert.equal(
    filesIn(root, 'skills').filter((path) => path.includes('.embeddings/')).length,
    0,
    'the embeddings stood for other texts',
  )
})

test('[R7] [G3] when the last step of all fails, all of that is as it was, also the row counts of the database', async (t) => {
  const root = roots.copy(t)
  const failing = track('late', crm).step('fails', {
    dependsOn: [crm.at('import-contacts'), skills.at('resources'), tasks.at('directives')],
    up: ({ db }) => {
      assert.ok(db.number('SELECT count(*) FROM customer') > 400)
      throw new Error('no')
    },
  })
  const before = footprint(root)
  await assert.rejects(state.add(failing).in(root).upgrade(), { code: 'STEP_FAILED' })
  assert.deepEqual(footprint(root), before)
  const { outcome } = await state.in(root).upgrade()
  assert.equal(outcome, 'upgraded')
  assert.deepStrictEqual(example.readContent(root), example.expectedContent(roots.old))
})
