import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stepAt } from '#moult/model/step.js'
import { directory } from '#moult/stores/directory/directory.js'
import type { DirectoryOptions } from '#moult/stores/directory/directory.js'

const markerOf = (options: DirectoryOptions): unknown => {
  const { extent } = directory('notes', options)['~store']
  return extent.is === 'directory' ? extent.marker : null
}

test('[R1] the marker is .schema-version in a directory of the store’s own, and carries the store’s name where it is shared', () => {
  assert.equal(markerOf({ path: 'notes' }), '.schema-version')
  assert.equal(markerOf({ path: 'notes', files: ['**/*.md', 'index.txt'] }), '.schema-version')
  assert.equal(markerOf({ path: '.' }), '.notes.schema-version')
  assert.equal(markerOf({ path: '.', files: '*.md' }), '.notes.schema-version')
  assert.equal(markerOf({ path: 'a/b', files: ['tasks.json'] }), '.notes.schema-version')
  assert.equal(markerOf({ path: '.', files: 'tasks.json', marker: '.rockbot-schema' }), '.rockbot-schema')
})

test('[R1] a marker that apps would read as a record, or that is no name, is a TypeError', () => {
  for (const marker of [
    '.version.json',
    'V.JSON',
    '',
    '.',
    '..',
    'a/b',
    'a\\b',
    '.moult',
    '.x.moult-tmp',
    '.moult-run',
  ]) {
    assert.throws(() => directory('notes', { path: 'notes', marker }), TypeError, marker)
  }
})

test('[R3] a mistake in a definition throws when it is defined', () => {
  const wrong: Record<string, unknown>[] = [
    {},
    { path: '/etc' },
    { path: '../up' },
    { path: 'n', file: '*.md' },
    { path: 'n', files: [] },
    { path: 'n', files: '' },
    { path: 'n', files: 7 },
    { path: 'n', files: '!*.md' },
    { path: 'n', files: '/abs/*.md' },
    { path: 'n', files: 'a/../../b' },
    { path: 'n', files: 'sub/' },
    { path: 'n', ignore: [''] },
    { path: 'n', derived: ['.'] },
    { path: 'n', onNewer: 'ignore' },
  ]
  for (const options of wrong) {
    assert.throws(() => directory('notes', options as unknown as DirectoryOptions), TypeError, JSON.stringify(options))
  }
  for (const name of ['', '.', '..', '.notes', 'a/b', 'a b', 'a@b', 'x'.repeat(101)]) {
    assert.throws(() => directory(name, { path: 'n' }), TypeError, name)
  }
  const notes = directory('notes', { path: 'n' })
  assert.throws(() => notes.step('sql', { up: 'CREATE TABLE t(x)' as never }), TypeError)
  assert.throws(() => notes.step('a', { up() {}, adititive: true } as never), /unknown option 'adititive'/)
  assert.throws(() => notes.step('a', { up() {} }).step('a' as never, { up() {} }), /exists already/)
  assert.throws(() => notes.adopt({ at: 'later' as never }), TypeError)
  assert.throws(() => notes.adopt('newest' as never), TypeError)
  assert.throws(() => notes.at('later' as never), TypeError)
  assert.throws(() => notes.steps({ names: [] } as never), TypeError)
})

test('[R2] each call gives a new frozen store and leaves the one it is called on as it is', () => {
  const start = directory('notes', { path: './notes/' })
  const one = start.step('one', { up() {} })
  const two = one.step('two', { up() {}, additive: true }).adopt({ at: 'one' })
  assert.deepEqual(start['~store'].lane.names, [])
  assert.deepEqual(one['~store'].lane.names, ['one'])
  assert.equal(one['~store'].adopt, null)
  assert.deepEqual(two['~store'].lane.names, ['one', 'two'])
  assert.equal(two['~store'].adopt, 1)
  assert.equal(one.adopt('oldest')['~store'].adopt, 0)
  assert.throws(() => two.adopt('oldest'), /adopt is said twice/)
  assert.equal(two['~store'].path, 'notes')
  for (const part of [two, two['~store'], two['~store'].lane, two['~store'].extent]) assert.ok(Object.isFrozen(part))
  assert.deepEqual(two.at(2), { '~moult': 1, store: 'notes', track: '', version: 2 })
})

test('[R2] steps loaded from elsewhere are added in order, and checked like any other', () => {
  const up = (): void => {}
  const loaded = {
    '~moult': 1,
    names: ['a', 'b'],
    steps: [
      { name: 'a', options: { up, checksum: 'text' } },
      { name: 'b', options: { up } },
    ],
  } as const
  const { lane } = directory('notes', { path: 'n' }).steps(loaded).step('c', { up })['~store']
  assert.deepEqual(lane.names, ['a', 'b', 'c'])
  assert.equal(stepAt(lane, 1)?.source, 'text')
  const wrong = { ...loaded, steps: [{ name: 'a', options: {} }] }
  assert.throws(() => directory('notes', { path: 'n' }).steps(wrong), /'up' must be a function/)
})

test('[R3] a mistake that types can see does not compile', () => {
  const one = directory('notes', { path: 'notes' }).step('one', { up() {} })
  const db = directory('other', { path: 'other' })
  const mistakes = (): void => {
    // @ts-expect-error a name that is taken
    one.step('one', { up() {} })
    // @ts-expect-error no such step
    one.at('two')
    // @ts-expect-error no such version
    one.at(2)
    // @ts-expect-error SQL text for a directory
    one.step('two', { up: 'DELETE FROM t' })
    // @ts-expect-error a mistyped option
    one.step('two', { up() {}, addative: true })
    // @ts-expect-error adopted at a step that is not there
    one.adopt({ at: 'two' })
    // @ts-expect-error a mistyped option of the store
    directory('x', { path: 'x', file: '*.md' })
    // @ts-expect-error validate that forgot to return
    one.step('two', { up() {}, validate() {} })
    // @ts-expect-error validate that writes
    one.step('two', { up() {}, validate: async ({ files }) => (await files.delete('a'), true) })
    // @ts-expect-error writing through reads
    db.step('two', { reads: { notes: one.at(1) }, up: ({ stores }) => stores.notes.delete('a') })
    // @ts-expect-error a store that the step does not name
    db.step('two', { writes: { notes: one.at('one') }, up: ({ stores }) => stores.other.delete('a') })
    db.step('two', { writes: { notes: one.at('one') }, up: ({ stores }) => stores.notes.delete('a') })
    one.step('two', { up() {} }).at(2)
  }
  assert.throws(mistakes, TypeError)
})
