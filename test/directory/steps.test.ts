import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Overlay } from '#moult/disk/overlay.js'
import type { ErrorCode } from '#moult/model/errors.js'
import { parseMarker } from '#moult/model/marker-file.js'
import { directory } from '#moult/stores/directory/directory.js'
import { look, put, settleTimes } from '../disk/tree.js'
import { anything, collect, entryFor, fails, workbench } from './workbench.js'

const notes = directory('notes', { path: 'notes', derived: ['.embeddings/**'] })

test('[R7] a step restructures a directory; untouched files keep bytes, mode and mtime', async (t) => {
  const at = workbench(t)
  put(at.root, { 'notes/2024-a.md': 'a', 'notes/2025-b.md': 'b' }, 0o600)
  put(at.root, { 'notes/readme.txt': 'r' })
  const before = look(join(at.root, 'notes'))
  const byYear = notes.step('by-year', {
    async up({ files }) {
      for await (const file of files.glob('*.md')) await files.move(file, `${file.slice(0, 4)}/${file}`)
    },
    validate: async ({ files }) => (await collect(files.glob('*.md'))).length === 0 || 'notes were left at the top',
  })
  const [applied] = await at.upgrade(byYear)
  const after = look(join(at.root, 'notes'))
  assert.equal(after['2024/2024-a.md'], before['2024-a.md'])
  assert.equal(after['2025/2025-b.md'], before['2025-b.md'])
  assert.equal(after['readme.txt'], before['readme.txt'])
  assert.deepEqual(
    Object.keys(after).filter((path) => path.endsWith('.md')),
    ['2024/2024-a.md', '2025/2025-b.md'],
  )
  assert.deepEqual(applied?.changes, { filesAdded: 0, filesChanged: 2, filesRemoved: 0, records: 0, rows: null })
})

test('[R5] derived files go with what they stand beside, and stay where nothing changed', async (t) => {
  const at = workbench(t)
  put(at.root, { 'notes/a.md': 'a', 'notes/b.md': 'b', 'notes/.embeddings/a.bin': '1', 'notes/.embeddings/b.bin': '2' })
  const [applied] = await at.upgrade(notes.step('a', { up: ({ files }) => files.write('a.md', 'A') }))
  assert.deepEqual(fs.readdirSync(join(at.root, 'notes/.embeddings')), ['b.bin'])
  assert.deepEqual(applied?.changes, { filesAdded: 0, filesChanged: 1, filesRemoved: 1, records: 0, rows: null })
})

test('[G3] a step that throws, is rejected or says no leaves every path as it was', async (t) => {
  const secret = 'hunter2'
  const steps: [string, Parameters<typeof notes.step>[1], ErrorCode, RegExp][] = [
    [
      'throws',
      { up: () => Promise.reject(new Error('no date in 3 notes')) },
      'STEP_FAILED',
      /notes\/throws threw an error: no date in 3 notes\.$/,
    ],
    ['parses', { up: () => JSON.parse(`{"${secret}`) as void }, 'STEP_FAILED', /SyntaxError\.$/],
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- a step may throw anything
    ['text', { up: () => Promise.reject(secret) }, 'STEP_FAILED', /no error object/],
    ['missing', { up: async ({ files }) => void (await files.read('none')) }, 'STEP_FAILED', /ENOENT.*notes\/none/],
    [
      'says',
      { up() {}, validate: () => 'two notes have one title' },
      'VALIDATION_FAILED',
      /two notes have one title\.$/,
    ],
    ['false', { up() {}, validate: () => false }, 'VALIDATION_FAILED', /no reason/],
    ['silent', { up() {}, validate: (() => {}) as never }, 'VALIDATION_FAILED', /nothing, neither true/],
    ['odd', { up() {}, validate: (() => 1) as never }, 'VALIDATION_FAILED', /a number/],
    [
      'stumbles',
      { up() {}, validate: () => Promise.reject(new TypeError('x')) },
      'VALIDATION_FAILED',
      /could not be checked: x\.$/,
    ],
  ]
  for (const [name, options, code, pattern] of steps) {
    const at = workbench(t)
    put(at.root, { 'notes/a.md': 'a', 'notes/sub/b.md': 'b' })
    settleTimes(at.root)
    const before = look(at.root)
    const store = notes.step('first', {
      async up({ files }) {
        await files.delete('sub')
        await files.write('a.md', 'changed')
      },
    })
    const whole = store.step(name as 'x', options)
    const again = await at.begin(whole)
    await assert.rejects(at.apply(again, whole), (error) => {
      assert.ok(fails(code, pattern)(error), `${name}: ${String(error)}`)
      assert.ok(!(error as Error).message.includes(secret), name)
      return true
    })
    await again.rollback()
    await again.rollback()
    const after = look(at.root)
    // Its mtime changes with .moult.
    delete before['/']
    delete after['/']
    assert.deepEqual(after, before, name)
  }
})

test('[R3] a step that skips leaves what it had done undone, and the steps around it stay', async (t) => {
  const at = workbench(t)
  put(at.root, { 'notes/a.md': 'a' })
  const store = notes
    .step('one', { up: ({ files }) => files.write('one.md', '1') })
    .step('two', {
      async up({ files, skip }) {
        await files.delete('one.md')
        await files.write('a.md', 'A')
        skip('nothing to do here')
      },
    })
    .step('three', { up: async ({ files }) => void (await files.write('three.md', await files.text('one.md'))) })
  const applied = await at.upgrade(store)
  assert.deepEqual(
    applied.map(({ result }) => result),
    ['done', 'skipped', 'done'],
  )
  assert.equal(applied[1]?.reason, 'nothing to do here')
  assert.deepEqual(
    applied.map(({ changes }) => changes.filesAdded),
    [1, 0, 1],
  )
  assert.deepEqual([at.text('notes/a.md'), at.text('notes/one.md'), at.text('notes/three.md')], ['a', '1', '1'])
})

test('[R11] another store’s step writes through a view, and both stores are committed as one', async (t) => {
  const tasks = directory('tasks', { path: '.', files: 'tasks.json' })
  const skills = directory('skills', { path: 'skills' }).step('one', { up() {} })
  const directive = tasks.step('directive', {
    writes: { skills: skills.at('one') },
    async up({ files, stores }) {
      const text = await stores.skills.text('patrol.md')
      await files.rewrite('tasks.json', { from: anything, to: anything, each: 'element' }, (task) => ({
        ...task,
        directive: text,
      }))
      await stores.skills.delete('patrol.md')
    },
  })
  const at = workbench(t, skills)
  put(at.root, { 'tasks.json': '[{"name":"patrol"}]', 'skills/patrol.md': 'go', 'skills/other.md': 'o' })
  const both = [await at.begin(directive), await at.begin(skills)] as const
  await at.apply(both[1], skills)
  const view = both[1].view(1, 'write', 'tasks/directive')
  await at.apply(both[0], directive, { skills: view.value })
  view.expire()
  both[1].mark([], [{ by: 'tasks/directive', commit: 'c1' }])
  await at.commit(...both)
  assert.equal(at.text('tasks.json'), '[{"name":"patrol","directive":"go"}]')
  assert.deepEqual(fs.readdirSync(join(at.root, 'skills')).sort(), ['.schema-version', 'other.md'])
  const found = await at.examine(skills)
  assert.deepEqual(found.is === 'marked' && found.marker.touches, [{ by: 'tasks/directive', commit: 'c1' }])
  const readOnly = (await at.begin(skills, found.is === 'marked' ? found.marker : null)).view(1, 'read', 'x/y')
  assert.ok(!('write' in (readOnly.value as object)))
})

test('[R1] the marker is committed with the data, keeps steps that this program does not know, and replaces what it marks again', async (t) => {
  const at = workbench(t)
  put(at.root, { 'notes/a.md': 'a' })
  const store = notes.step('one', { up: ({ files }) => files.write('a.md', 'A') })
  const first = await at.begin(store)
  await at.apply(first, store)
  first.mark(
    [
      entryFor({ name: 'plugin', additive: true }, 1, { track: 'acme' }),
      entryFor({ name: 'theirs', additive: true }, 2),
    ],
    [{ by: 'x/y', commit: 'old' }],
  )
  assert.equal((await at.examine(store)).is, 'data')
  await at.commit(first)
  const found = await at.examine(store)
  assert.ok(found.is === 'marked')
  const second = await at.begin(store, found.marker)
  second.mark(
    [entryFor({ name: 'one', additive: false }, 1, { checksum: 'sha256:new' })],
    [{ by: 'x/y', commit: 'new' }],
  )
  second.mark([entryFor({ name: 'third', additive: true }, 3)], [])
  await at.commit(second)
  const text = at.text('notes/.schema-version')
  const { version, floor } = JSON.parse(text) as { version: number; floor: number }
  assert.deepEqual([version, floor], [3, 1])
  const parsed = parseMarker(text, 'notes')
  assert.ok('marker' in parsed)
  assert.deepEqual(
    parsed.marker.entries.map(({ track, place, name, checksum }) => [track, place, name, checksum]),
    [
      ['', 1, 'one', 'sha256:new'],
      ['', 2, 'theirs', null],
      ['', 3, 'third', null],
      ['acme', 1, 'plugin', null],
    ],
  )
  assert.deepEqual(parsed.marker.touches, [{ by: 'x/y', commit: 'new' }])
})

test('[G2] a marker that is not the one the plan was made for stops the run before its first step', async (t) => {
  const at = workbench(t)
  put(at.root, { 'notes/a.md': 'a' })
  const store = notes.step('one', { up() {} })
  await at.upgrade(store)
  await assert.rejects(at.begin(store), fails('STORE_CHANGED'))
  fs.writeFileSync(join(at.root, 'notes/.schema-version'), '')
  await assert.rejects(at.begin(store), fails('MARKER_UNREADABLE'))
})

test('[G1] letting go of a store after its commit was decided keeps what the commit still needs', async (t) => {
  const at = workbench(t)
  put(at.root, { 'notes/a.md': 'a' })
  const store = notes.step('one', { up: ({ files }) => files.write('a.md', 'A') })
  const transaction = await at.begin(store)
  await at.apply(transaction, store)
  const { folder } = (transaction.commit as { overlay: Overlay }).overlay.staging
  const staged = fs.readdirSync(join(folder, 'in'))
  assert.equal(staged.length, 2)
  await transaction.rollback()
  assert.deepEqual(fs.readdirSync(join(folder, 'in')), staged)
})
