import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { defineState, record, records } from 'moult'
import type { RunEvent, State } from 'moult'
import { z } from 'zod'
import { footprint, temporaryFolder } from '../support/footprint.js'
import { openDatabase } from '../support/sqlite.js'
import { base, failing, index, items, notes, oldRoot, upgraded, withLast } from './downgrade-state.js'
import { refuses } from './small-state.js'

describe('[A6] a downgrade that is refused changes no byte and no mtime', () => {
  it('[A6] a step without a way back is found before any other is undone, also in another store', async (t) => {
    const stuck = defineState({
      app: 'agent',
      stores: [items, notes, index.step('last', { up: 'CREATE TABLE last(x)', down: 'impossible' })],
    })
    const root = await upgraded(t, stuck)
    await refuses(
      root,
      () => stuck.in(root).downgrade({ target: ['items@2', 'index@3'] }),
      'DOWN_MISSING',
      4,
      /index\/last cannot be undone: it says that it has no way back\. Nothing was changed/,
    )
    assert.equal((await stuck.in(root).downgrade({ target: 'items@2' })).outcome, 'downgraded')
  })

  it('[A6] a step that stays and needs what would go', async (t) => {
    const root = await upgraded(t)
    await refuses(
      root,
      () => base.in(root).downgrade({ target: 'items@1' }),
      'STILL_NEEDED',
      4,
      /index\/take-notes needs items@2/,
    )
    await refuses(
      root,
      () => base.in(root).downgrade({ target: 'notes@0' }),
      'STILL_NEEDED',
      4,
      /index\/take-notes needs notes@by-year/,
    )
  })

  it('[A6] [G6] data of a newer program, also where its steps are additive', async (t) => {
    const newer = defineState({
      app: 'agent',
      appVersion: '3.0.0',
      stores: [
        items,
        notes,
        index.step('later', { up: 'CREATE TABLE later(x)', down: 'DROP TABLE later', additive: true }),
      ],
    })
    const root = await upgraded(t, newer)
    assert.equal((await base.in(root).upgrade()).outcome, 'up-to-date')
    await refuses(root, () => base.in(root).downgrade({ target: 'items@2' }), 'STORE_NEWER', 4, /Start|knows 3/)
  })

  it('[A6] data from before moult, and a state without any', async (t) => {
    const root = oldRoot(t)
    await refuses(root, () => base.in(root).downgrade({ target: 'notes@1' }), 'TARGET_AHEAD', 4)
    assert.equal((await base.in(root).downgrade({ target: 'notes@0' })).outcome, 'up-to-date')
    await refuses(
      temporaryFolder(t),
      async () => base.in(temporaryFolder(t)).downgrade({ target: 'index@1' }),
      'TARGET_AHEAD',
      4,
    )
  })

  it('[A6] [P2] a state that this process has open', async (t) => {
    const root = await upgraded(t)
    const held = await base.in(root).open()
    const before = footprint(root)
    assert.equal((await failing(base.in(root).downgrade({ target: 'index@1', waitMs: 50 }))).code, 'IN_USE')
    assert.deepEqual(footprint(root), before)
    await held.close()
  })
})

describe('[G3] a downgrade that fails puts everything back', () => {
  const cases: readonly (readonly [string, State, string, RegExp])[] = [
    [
      'a down that throws',
      withLast({
        up: 'SELECT 1',
        down: () => {
          throw new Error('no way')
        },
      }),
      'STEP_FAILED',
      /While index\/last was being undone: The step index\/last failed: no way/,
    ],
    ['SQL that is wrong', withLast({ up: 'SELECT 1', down: 'DROP TABLE nowhere' }), 'STEP_FAILED', /nowhere/],
    [
      'SQL that only moult may use',
      withLast({ up: 'SELECT 1', down: 'DELETE FROM note; COMMIT' }),
      'STATEMENT_REFUSED',
      /COMMIT/,
    ],
    [
      'a foreign key that the way back breaks',
      withLast({
        up: 'CREATE TABLE child(note TEXT REFERENCES note(name)); INSERT INTO child SELECT name FROM note',
        down: 'DELETE FROM note',
      }),
      'FOREIGN_KEYS_BROKEN',
      /2 rows that point/,
    ],
  ]
  for (const [name, state, code, message] of cases) {
    it(`[G3] [A6] ${name}`, async (t) => {
      const root = await upgraded(t, state)
      const before = footprint(root)
      // The records go first, in the same run
      const error = await failing(state.in(root).downgrade({ target: ['index@1', 'items@2'] }))
      assert.equal(error.code, code, error.message)
      assert.match(error.message, message)
      assert.equal(error.report?.outcome, 'put-back')
      assert.deepEqual(footprint(root), before)
      assert.equal(existsSync(join(root, '.moult/run')), false)
      const last = (await state.in(root).history()).at(-1)
      assert.deepEqual([last?.step, last?.direction, last?.result], ['last', 'down', 'failed'])
    })
  }

  it('[G3] [A6] a down of records that gives another shape, or throws', async (t) => {
    for (const [down, message] of [
      [
        (): { id: string } => {
          throw new Error('secret of the document')
        },
        /'down' that makes version 1 threw an error/,
      ],
      [(): { id: string } => ({ id: 7 }) as never, /'down' that makes version 1 returned something else/],
    ] as const) {
      const Broken = record('item', { versionKey: 'v', unversioned: 1 })
        .version(1, z.object({ id: z.string() }))
        .version(2, z.object({ id: z.string() }), { up: (value) => value, down })
      const state = defineState({
        app: 'agent',
        stores: [records('items', { path: 'items', files: '*.json', record: Broken })],
      })
      const root = await upgraded(t, state)
      const before = footprint(root)
      const error = await failing(state.in(root).downgrade({ target: 'items@1' }))
      assert.equal(error.code, 'STEP_FAILED')
      assert.match(error.message, message)
      assert.doesNotMatch(error.message, /secret/)
      assert.deepEqual(footprint(root), before)
    }
  })

  it('[G3] [A6] a reader in a transaction keeps the database from committing: nothing is undone', async (t) => {
    const state = withLast({ up: 'CREATE TABLE last(x)', down: 'DROP TABLE last' })
    const root = await upgraded(t, state)
    const reader = openDatabase(join(root, 'index.db'))
    reader.exec('BEGIN; SELECT count(*) FROM note')
    const before = footprint(root)
    const error = await failing(state.in(root).downgrade({ target: 'index@3', waitMs: 200 }))
    assert.deepEqual([error.code, error.report?.outcome], ['IN_USE', 'put-back'])
    assert.deepEqual(footprint(root), before)
    reader.close()
    assert.equal((await state.in(root).downgrade({ target: 'index@3' })).outcome, 'downgraded')
  })

  it('[G3] [A6] an interruption between two ways back', async (t) => {
    const root = await upgraded(t)
    const before = footprint(root)
    const stop = new AbortController()
    const onEvent = (event: RunEvent): void => {
      if (event.type === 'step' && event.phase === 'done') stop.abort()
    }
    const error = await failing(base.in(root).downgrade({ target: 'index@0', signal: stop.signal, onEvent }))
    assert.deepEqual([error.code, error.report?.outcome], ['INTERRUPTED', 'put-back'])
    assert.deepEqual(footprint(root), before)
  })
})
