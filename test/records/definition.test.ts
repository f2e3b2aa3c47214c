import assert from 'node:assert/strict'
import { test } from 'node:test'
import { records } from 'moult'
import { CountAt1, CountAt4, Memory, SessionAt2 } from './shapes.js'

const untyped = (value: unknown): never => value as never
const good = { path: 'counts', files: '*.json', record: CountAt4 }

const mistakes: [string, unknown, RegExp][] = [
  ['no record', { ...good, record: {} }, /record\(…\)/],
  ['a mistyped option', { ...good, file: '*.json' }, /unknown option 'file'/],
  ['each of another kind', { ...good, each: 'row' }, /each is 'file', 'line' or 'element'/],
  ['another word for invalid', { ...good, invalid: 'skip' }, /invalid is 'leave' or 'refuse'/],
  ['a path outside the root', { ...good, path: '../x' }, /leaves the state's root/],
  ['no files at the root', { path: '.', record: CountAt4 }, /must name one file/],
  ['an empty list of files', { ...good, files: [] }, /lists nothing/],
  ['a marker that apps read as a record', { ...good, marker: 'schema.json' }, /must not end in \.json/],
  [
    'a layout of a version that is not there',
    { ...good, layout: { 5: () => {} } },
    /names version 5; there are 1 to 4/,
  ],
  ['a layout that is no function', { ...good, layout: { 2: 'mv' } }, /must be a function/],
  ['a layout of a single file', { path: 'a.json', record: CountAt4, layout: { 2: () => {} } }, /has no layout/],
  [
    'something to ignore beside a single file',
    { path: 'a.json', record: CountAt4, ignore: ['b'] },
    /nothing to ignore/,
  ],
  ['another word for onNewer', { ...good, onNewer: 'go' }, /onNewer is/],
]
for (const [what, options, pattern] of mistakes) {
  test(`[C1] a store with ${what} fails when it is defined`, () => {
    assert.throws(
      () => records('counts', untyped(options)),
      (error) => error instanceof TypeError && pattern.test(error.message),
    )
  })
}

test('[C1] a version that is not there cannot be asked for', () => {
  const store = records('counts', good)
  for (const version of [0, 5, 1.5, 'v1', undefined])
    assert.throws(() => store.at(untyped(version)), /there are 1 to 4/)
  assert.deepEqual({ ...store.at(2) }, { '~moult': 1, store: 'counts', track: '', version: 2 })
})

test('[C1] each version is a step: names, places and what an older program may ignore follow from the record', () => {
  const { lane, flat, adopt, describesItself, servesPast } = records('session', {
    path: 's',
    files: '*.json',
    record: SessionAt2,
  })['~store']
  assert.deepEqual([lane.names, lane.squashed, flat, adopt, describesItself], [['v1', 'v2'], 0, null, 0, true])
  assert.ok(servesPast(1, 2))
  const memory = records('memory', { path: 'm', files: '*.json', record: Memory })['~store']
  assert.deepEqual(
    [memory.adopt, memory.describesItself, memory.lane.steps.map(({ additive }) => additive)],
    [null, false, [false, true]],
  )
  assert.ok(memory.servesPast(1, 2))
})

test('[R5] only documents that say no version can be adopted', () => {
  assert.throws(() => records('counts', good).adopt('oldest'), /has its version in 'v'/)
  const memory = records('memory', { path: 'm', files: '*.json', record: Memory })
  assert.throws(() => memory.adopt(untyped({ at: 3 })), /there are 1 to 2/)
  assert.throws(() => memory.adopt(untyped('newest')), /adopt takes/)
  assert.deepEqual([memory.adopt('oldest')['~store'].adopt, memory.adopt({ at: 2 })['~store'].adopt], [0, 2])
})

test('[C7] markers of stores that share a directory do not collide', () => {
  const marker = (store: { '~store': { extent: unknown } }): string =>
    (store['~store'].extent as { marker: string }).marker
  assert.equal(marker(records('a', { path: 'x/a.json', record: CountAt1 })), '.a.schema-version')
  assert.equal(marker(records('a', { path: '.', files: '*.json', record: CountAt1 })), '.a.schema-version')
  assert.equal(marker(records('a', { path: 'x', files: '*.json', record: CountAt1 })), '.schema-version')
  assert.equal(marker(records('a', { path: 'x/a.json', record: CountAt1, marker: '.m' })), '.m')
})
