import assert from 'node:assert/strict'
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { defineState, directory, isMoultError, records, sqlite } from 'moult'
import { footprint, temporaryFolder } from '../support/footprint.js'
import { openDatabase } from '../support/sqlite.js'
import { Item, items, notes, index, base, oldState, refuses, refusesBoth } from './small-state.js'

describe('[G2] refusals leave every path as it was', () => {
  const markers: readonly [string, string, RegExp][] = [
    ['corrupt', '{"moult":1,"store":"notes","ver', /not valid JSON/],
    ['empty', '', /empty/],
    ['foreign', '{"version":"3.1"}', /not written by moult/],
    ["another store's", '{"moult":1,"store":"other","version":0,"floor":0,"steps":[],"touches":[],"left":[]}', /other/],
    ['of a later format', '{"moult":2,"store":"notes"}', /format is 2/],
  ]
  for (const [what, text, message] of markers) {
    it(`[G8] [R5] a marker that is ${what}`, async (t) => {
      const root = oldState(t)
      writeFileSync(join(root, 'notes/.schema-version'), text)
      await refusesBoth(root, base, 'MARKER_UNREADABLE', 4, message)
    })
  }

  it('[G8] a marker that was lost', async (t) => {
    const root = oldState(t)
    await base.in(root).upgrade()
    rmSync(join(root, 'notes/.schema-version'))
    await refusesBoth(root, base, 'MARKER_LOST', 4, /'notes'/)
  })

  it('[G8] a missing directory, and a missing database', async (t) => {
    const root = oldState(t)
    await base.in(root).upgrade()
    rmSync(join(root, 'notes'), { recursive: true })
    await refusesBoth(root, base, 'STORE_MISSING', 4, /'notes'/)
    mkdirSync(join(root, 'notes'))
    rmSync(join(root, 'index.db'))
    await refusesBoth(root, base, 'STORE_MISSING', 4, /'index'/)
  })

  it('[G8] data without a marker that nobody declared', async (t) => {
    const root = oldState(t)
    const undeclared = directory('notes', { path: 'notes' }).step('flatten', { up() {} })
    await refusesBoth(
      root,
      defineState({ app: 'agent', stores: [items, undeclared, index] }),
      'STORE_LEGACY',
      4,
      /'notes'/,
    )
  })

  it('[G6] newer data above the floor', async (t) => {
    const root = oldState(t)
    const newer = defineState({
      app: 'agent',
      appVersion: '2.6.0',
      stores: [items, notes.step('tags', { up() {} }), index],
    })
    await newer.in(root).upgrade()
    await refusesBoth(root, base, 'STORE_NEWER', 4, /agent 2\.6\.0; this is agent 2\.4\.0/)
  })

  it('[W5] a history that diverged', async (t) => {
    const root = oldState(t)
    const branch = defineState({ app: 'agent', stores: [items, notes, index.step('left', { up: 'SELECT 1' })] })
    await branch.in(root).upgrade()
    await refusesBoth(
      root,
      defineState({ app: 'agent', stores: [items, notes, index.step('right', { up: 'SELECT 1' })] }),
      'STORE_DIVERGED',
      4,
      /'left' at place 3/,
    )
  })

  it('[A5] a step that was edited after it ran', async (t) => {
    const root = oldState(t)
    await base.in(root).upgrade()
    const edited = sqlite('index', { path: 'index.db' })
      .step('create', { up: 'CREATE TABLE entry(id)' })
      .step('seed', { up: 'SELECT 1' })
    await refusesBoth(
      root,
      defineState({ app: 'agent', stores: [items, notes, edited] }),
      'STORE_EDITED',
      4,
      /index\/create/,
    )
  })

  it('[W2] data from before a squash', async (t) => {
    const root = oldState(t)
    await defineState({
      app: 'agent',
      stores: [items, notes, sqlite('index', { path: 'index.db' }).step('create', { up: 'CREATE TABLE entry(id)' })],
    })
      .in(root)
      .upgrade()
    const squashed = sqlite('index', { path: 'index.db' }).flat('CREATE TABLE entry(id)', {
      replaces: ['create', 'seed'],
      lastIn: '2.3.0',
    })
    await refusesBoth(root, defineState({ app: 'agent', stores: [items, notes, squashed] }), 'STORE_TOO_OLD', 4)
  })

  it('[G8] a database that is not one, and one whose marker table belongs to another tool', async (t) => {
    const root = oldState(t)
    writeFileSync(join(root, 'index.db'), 'this is no database, but it is long enough to have been one '.repeat(20))
    await refusesBoth(root, base, 'STORE_UNREADABLE', 4, /'index'/)
    rmSync(join(root, 'index.db'))
    const db = openDatabase(join(root, 'index.db'))
    db.exec('CREATE TABLE schema_migrations(version TEXT PRIMARY KEY)')
    db.close()
    const shared = sqlite('index', { path: 'index.db', table: 'schema_migrations' }).step('create', { up: 'SELECT 1' })
    await refusesBoth(
      root,
      defineState({ app: 'agent', stores: [items, notes, shared] }),
      'MARKER_UNREADABLE',
      4,
      /not moult's.*Rails/,
    )
  })

  it('[W1] a database whose user_version somebody else changed', async (t) => {
    const root = oldState(t)
    const stamped = defineState({
      app: 'agent',
      stores: [sqlite('index', { path: 'index.db', userVersion: true }).step('create', { up: 'CREATE TABLE a(x)' })],
    })
    await stamped.in(root).upgrade()
    const db = openDatabase(join(root, 'index.db'))
    assert.deepEqual(db.all('PRAGMA user_version'), [{ user_version: 1 }])
    db.exec('PRAGMA user_version = 7')
    db.close()
    await refusesBoth(root, stamped, 'MARKER_UNREADABLE', 4, /user_version is 7, but its marker says 1/)
  })

  it('[G2] a file that two stores claim by their patterns', async (t) => {
    const root = oldState(t)
    const greedy = directory('greedy', { path: 'notes', files: 'old/n1*', marker: '.greedy' })
      .step('x', { up() {} })
      .adopt('oldest')
    const before = { ...footprint(root), '.': '' }
    const error = await base
      .add(greedy)
      .in(root)
      .upgrade()
      .catch((thrown: unknown) => thrown)
    assert.ok(isMoultError(error, 'CLAIMED_TWICE'), String(error))
    assert.match(error.message, /'notes' and 'greedy' both claim notes\/old\/n1\.md/)
    assert.deepEqual({ ...footprint(root), '.': '' }, before)
  })

  it('[G8] an option of a call that is mistyped, or a value that it cannot have, before anything is looked at', async (t) => {
    const root = oldState(t)
    const before = footprint(root)
    const state = base.in(root)
    for (const options of [
      { onPendin: 'refuse' },
      { onPending: 'refused' },
      { access: 'raed' },
      { waitMs: '5' },
      { signal: true },
    ]) {
      await assert.rejects(state.open(options as never), TypeError)
    }
    await assert.rejects(state.upgrade({ targets: 'index@1' } as never), /unknown option 'targets'; known are target/)
    await assert.rejects(state.status({ uncliamed: true } as never), TypeError)
    assert.deepEqual(footprint(root), before)
    assert.equal(existsSync(join(root, '.moult')), false)
  })

  it('[G8] a directory where one file of records was declared', async (t) => {
    const root = oldState(t)
    const forgotten = records('items', { path: 'items', record: Item })
    await refusesBoth(
      root,
      defineState({ app: 'agent', stores: [forgotten, notes, index] }),
      'STORE_UNREADABLE',
      4,
      /it is a directory/,
    )
  })

  it('[P17] a store in the root of another state, and another state in a store', async (t) => {
    const root = temporaryFolder(t)
    const log = directory('log', { path: 'log' }).step('note', { up: ({ files }) => files.write('a.md', 'a') })
    await defineState({ app: 'one', stores: [log] })
      .in(join(root, 'agents/one'))
      .upgrade()
    await base.in(root).upgrade()
    for (const store of [
      sqlite('inner', { path: 'agents/one/inner.db' }).step('create', { up: 'CREATE TABLE t(a)' }),
      directory('inner', { path: 'agents/one' }).adopt('oldest'),
      records('inner', { path: 'agents/one/more', files: '*.json', record: Item }),
    ]) {
      await refuses(
        root,
        () => base.add(store).in(root).upgrade(),
        'CLAIMED_TWICE',
        4,
        /agents\/one, which is the root/,
      )
    }
    const agents = directory('agents', { path: 'agents' }).adopt('oldest')
    const look = agents.step('look', {
      async up({ files }) {
        for await (const file of files.glob('**')) await files.text(file)
      },
    })
    const error = await base
      .add(look)
      .in(root)
      .upgrade()
      .catch((thrown: unknown) => thrown)
    assert.ok(isMoultError(error, 'CLAIMED_TWICE'), String(error))
    assert.match(error.message, /agents\/one lies in a store/)
    const without = directory('agents', { path: 'agents', ignore: ['one/**'] })
      .step('look', {
        async up({ files }) {
          for await (const file of files.glob('**')) await files.text(file)
        },
      })
      .adopt('oldest')
    assert.equal((await base.add(without).in(root).upgrade()).outcome, 'upgraded')
  })

  it('[G2] a store that leads out of the root through a symlink', async (t) => {
    const root = oldState(t)
    const elsewhere = temporaryFolder(t)
    rmSync(join(root, 'notes'), { recursive: true })
    symlinkSync(elsewhere, join(root, 'notes'))
    const before = footprint(root)
    await assert.rejects(base.in(root).upgrade(), { code: 'OUTSIDE_ROOT' })
    assert.deepEqual(footprint(root), before)
  })

  it('[R3] a state that is behind, for a program that may not upgrade it', async (t) => {
    const root = oldState(t)
    const before = footprint(root)
    await assert.rejects(base.in(root).open({ onPending: 'refuse' }), { code: 'UPGRADE_PENDING' })
    await assert.rejects(base.in(root).open({ access: 'read' }), { code: 'UPGRADE_PENDING' })
    assert.deepEqual({ ...footprint(root), '.': '' }, { ...before, '.': '' })
  })

  it('[R3] an app that goes on with old data is told that it does, and nobody upgrades under it', async (t) => {
    const root = oldState(t)
    const before = footprint(root)
    const held = await base.in(root).open({ onPending: 'continue' })
    assert.equal(held.report.outcome, 'behind')
    assert.equal(held.report.locked, true)
    await assert.rejects(base.in(root).upgrade({ waitMs: 50 }), { code: 'IN_USE' })
    await held.close()
    assert.deepEqual({ ...footprint(root), '.': '' }, { ...before, '.': '' })
    assert.equal((await base.in(root).upgrade()).outcome, 'upgraded')
    const current = await base.in(root).open({ onPending: 'continue' })
    assert.equal(current.report.outcome, 'up-to-date')
    await current.close()
  })
})
