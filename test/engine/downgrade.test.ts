import assert from 'node:assert/strict'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { defineState, record, records, sqlite, track } from 'moult'
import type { RunEvent } from 'moult'
import { z } from 'zod'
import { difference, snapshot } from '../examples/snapshot.js'
import { footprint } from '../support/footprint.js'
import { openDatabase } from '../support/sqlite.js'
import { base, failing, index, notes, oldRoot, upgraded, withLast } from './downgrade-state.js'
import { refuses } from './small-state.js'

function rowsOf(root: string, sql: string): readonly Readonly<Record<string, unknown>>[] {
  const db = openDatabase(join(root, 'index.db'))
  try {
    return db.all(sql)
  } finally {
    db.close()
  }
}

describe('[A6] a downgrade', () => {
  it('[A6] leaves data and markers as an upgrade that only went so far; then an upgrade ends where it was', async (t) => {
    for (const target of [
      ['index@2'],
      ['index@1'],
      ['index@0'],
      ['items@2'],
      ['index@1', 'items@1'],
      ['index@0', 'notes@0', 'items@1'],
      ['index@1', 'notes@0'],
    ] as const) {
      const root = await upgraded(t)
      const whole = snapshot(root, { commits: false })
      const report = await base.in(root).downgrade({ target })
      assert.equal(report.outcome, 'downgraded')
      assert.ok(
        report.steps.length > 0 && report.steps.every((step) => step.direction === 'down' && step.result === 'done'),
      )

      const direct = oldRoot(t)
      const all = new Map<string, string>([
        ['index', 'index@3'],
        ['notes', 'notes@1'],
        ['items', 'items@3'],
      ])
      for (const each of target) all.set(each.split('@')[0] ?? '', each)
      await base.in(direct).upgrade({ target: [...all.values()] as `${string}@${string}`[] })
      assert.deepEqual(
        difference(snapshot(root, { commits: false }), snapshot(direct, { commits: false })),
        [],
        target.join(),
      )

      const status = await base.in(root).status()
      for (const { name, status: found, version } of status.stores)
        assert.equal(found, version === { items: 3, notes: 1, index: 3 }[name] ? 'current' : 'behind', name)
      assert.deepEqual((await base.in(root).verify()).problems, [])
      assert.equal((await base.in(root).upgrade()).outcome, 'upgraded')
      assert.deepEqual(difference(snapshot(root, { commits: false }), whole), [], `${target.join()}, again`)
    }
  })

  it('[A6] [W1] user_version, floor and what the steps wrote into other markers go back too', async (t) => {
    const root = await upgraded(t)
    assert.deepEqual(rowsOf(root, 'PRAGMA user_version'), [{ user_version: 3 }])
    assert.equal(markerOf(root).touches.length, 1)
    await base.in(root).downgrade({ target: index.at('create') })
    assert.deepEqual(rowsOf(root, 'PRAGMA user_version'), [{ user_version: 1 }])
    assert.deepEqual(rowsOf(root, 'SELECT name, version FROM moult_steps'), [{ name: 'create', version: 1 }])
    assert.deepEqual(markerOf(root).touches, [])
    assert.deepEqual(readdirSync(join(root, 'notes')).toSorted(), ['.schema-version', '2024', '2025'])
    assert.equal(readFileSync(join(root, 'notes/2024/2024-x.md'), 'utf8'), 'note 2024-x')
    const { stores } = await base.in(root).status()
    assert.deepEqual(
      stores.map(({ name, version, floor }) => [name, version, floor]),
      [
        ['items', 3, 3],
        ['notes', 1, 1],
        ['index', 1, 1],
      ],
    )
  })

  it('[A6] an older program starts on what it left, as on data of its own', async (t) => {
    const older = defineState({
      app: 'agent',
      appVersion: '1.0.0',
      stores: [
        records('items', { path: 'items', files: '*.json', record: withoutThird() }),
        notes,
        sqlite('index', { path: 'index.db', userVersion: true }).step('create', {
          up: 'CREATE TABLE note(name TEXT PRIMARY KEY, text TEXT)',
        }),
      ],
    })
    const root = await upgraded(t)
    await refuses(root, () => older.in(root).open(), 'STORE_NEWER', 4)
    await base.in(root).downgrade({ target: ['items@2', 'index@1'] })
    const held = await older.in(root).open()
    assert.equal(held.report.outcome, 'up-to-date')
    await held.close()
  })

  it('[A6] the history has a line for each step that was undone, and events tell of it', async (t) => {
    const root = await upgraded(t)
    const lines = readHistoryFile(root)
    const events: RunEvent[] = []
    await base.in(root).downgrade({ target: 'index@1', onEvent: (event) => void events.push(event) })
    const history = await base.in(root).history()
    assert.deepEqual(
      history.filter(({ direction }) => direction === 'down').map(({ step, result }) => `${step} ${result}`),
      ['length done', 'take-notes done'],
    )
    // No line says that a store got its marker: the notes, which one of the steps wrote, have had theirs
    assert.equal(readHistoryFile(root).length, lines.length + 2)
    assert.deepEqual(
      events.flatMap((event) =>
        event.type === 'step' && event.phase !== 'progress' ? [`${event.step} ${event.phase}`] : [],
      ),
      ['length start', 'length done', 'take-notes start', 'take-notes done'],
    )
    assert.deepEqual(
      events.filter(({ type }) => type === 'commit').map((event) => 'stores' in event && event.stores),
      [['index', 'notes']],
    )
  })

  it('[A6] a target where the store is already is nothing to do; one ahead, or none, is refused', async (t) => {
    const root = await upgraded(t)
    const before = footprint(root)
    assert.equal((await base.in(root).downgrade({ target: 'index@3' })).outcome, 'up-to-date')
    assert.deepEqual(footprint(root), before)
    await base.in(root).downgrade({ target: 'index@1' })
    await refuses(root, () => base.in(root).downgrade({ target: 'index@2' }), 'TARGET_AHEAD', 4, /index@2 lies ahead/)
    await assert.rejects(base.in(root).downgrade({ target: 'index@9' }), { code: 'TARGET_UNKNOWN' })
    await assert.rejects(base.in(root).downgrade({} as never), /'target' says what to go back to/)
    await assert.rejects(base.in(root).downgrade({ target: [] }), TypeError)
    await assert.rejects(
      base.in(root).downgrade({ target: 'index@0', acceptEdited: [] } as never),
      /unknown option 'acceptEdited'/,
    )
  })
})

describe('[A6] what a down may and may not', () => {
  it('[A6] validate speaks of what up makes, and is not asked on the way back', async (t) => {
    const state = withLast({
      up: 'CREATE TABLE extra(x)',
      down: 'DROP TABLE extra',
      validate: ({ db }) => db.tableExists('extra') || 'extra is missing',
    })
    const root = await upgraded(t, state)
    assert.equal((await state.in(root).downgrade({ target: 'index@3' })).outcome, 'downgraded')
    assert.deepEqual(rowsOf(root, "SELECT 1 FROM sqlite_schema WHERE name = 'extra'"), [])
  })

  it('[A6] only what a step added is removed: where up was skipped, down is not run', async (t) => {
    let ran = 0
    const state = withLast({
      up: ({ skip }) => skip('the column is there already'),
      down: () => void (ran += 1),
    })
    const root = await upgraded(t, state)
    assert.equal(rowsOf(root, "SELECT arrival FROM moult_steps WHERE name = 'last'")[0]?.['arrival'], 'skipped')
    const { steps } = await state.in(root).downgrade({ target: 'index@3' })
    assert.deepEqual(
      steps.map(({ step, result, reason }) => [step, result, reason]),
      [['last', 'skipped', 'it had been skipped']],
    )
    assert.equal(ran, 0)
    assert.equal((await state.in(root).status()).stores[2]?.version, 3)
  })

  it('[A6] a down that skips has its changes taken back, and the step counts as undone', async (t) => {
    const state = withLast({
      up: 'CREATE TABLE extra(x)',
      down({ db, skip }) {
        db.exec('DROP TABLE extra')
        skip('somebody uses it')
      },
    })
    const root = await upgraded(t, state)
    const { steps, outcome } = await state.in(root).downgrade({ target: 'index@3' })
    assert.deepEqual([outcome, steps[0]?.result, steps[0]?.reason], ['downgraded', 'skipped', 'somebody uses it'])
    assert.equal(rowsOf(root, "SELECT 1 FROM sqlite_schema WHERE name = 'extra'").length, 1)
    assert.equal((await state.in(root).status()).stores[2]?.status, 'behind')
  })

  it('[A6] [P15] a handle that outlives the way back fails it', async (t) => {
    let late: (() => void) | undefined
    const state = withLast({
      up: 'SELECT 1',
      async down({ db }) {
        late = () => void db.run('DELETE FROM note')
        setImmediate(() => {
          try {
            late?.()
          } catch {}
        })
      },
    })
    const root = await upgraded(t, state)
    const before = footprint(root)
    assert.equal((await failing(state.in(root).downgrade({ target: 'index@3' }))).code, 'HANDLE_EXPIRED')
    assert.deepEqual(footprint(root), before)
  })

  it('[A6] a plugin takes its own steps back, and the framework its own', async (t) => {
    const plugin = track('acme', notes).step('tag', {
      dependsOn: [notes.at('by-year')],
      up: ({ files }) => files.write('tags', 'acme'),
      down: ({ files }) => files.delete('tags'),
    })
    const state = base.add(plugin)
    const root = await upgraded(t, state)
    await refuses(
      root,
      () => state.in(root).downgrade({ target: ['notes@0', 'index@1'] }),
      'STILL_NEEDED',
      4,
      /notes\/acme\/tag needs notes@by-year/,
    )
    await refuses(
      root,
      () => base.in(root).downgrade({ target: ['notes@0', 'index@1'] }),
      'STILL_NEEDED',
      4,
      /notes\/acme\/tag stands in the marker/,
    )
    await state.in(root).downgrade({ target: 'notes/acme@0' })
    assert.equal(existsSync(join(root, 'notes/tags')), false)
    assert.deepEqual((await state.in(root).status()).stores[1]?.tracks, { acme: { version: 0, head: 1 } })
    assert.equal((await base.in(root).downgrade({ target: ['notes@0', 'index@1'] })).outcome, 'downgraded')
  })
})

function readHistoryFile(root: string): readonly string[] {
  return readFileSync(join(root, '.moult/history.jsonl'), 'utf8').trim().split('\n')
}

function markerOf(root: string): { readonly touches: readonly unknown[] } {
  return JSON.parse(readFileSync(join(root, 'notes/.schema-version'), 'utf8')) as {
    readonly touches: readonly unknown[]
  }
}

function withoutThird() {
  return record('item', { versionKey: 'v', unversioned: 1 })
    .version(1, z.object({ id: z.string() }))
    .version(2, z.object({ id: z.string(), tags: z.array(z.string()) }), { up: (value) => ({ ...value, tags: [] }) })
}
