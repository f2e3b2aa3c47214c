import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { defineState, directory, sqlite } from 'moult'
import { openDatabase } from '../support/sqlite.js'
import { footprint, temporaryFolder } from '../support/footprint.js'
import { dataOf, loseMarkers, makeOldRoot, makeState, markersOf, stamps } from './edited-state.js'
import { reason, refusesStamp, upgradedRoot, whole } from './stamped-state.js'
import { refuses } from './small-state.js'

describe('stamping', () => {
  it('[A17] [R5] stores that lost their markers are usable again, no step runs, no data changes', async (t) => {
    const root = await upgradedRoot(t)
    loseMarkers(root)
    const state = whole.in(root)
    await refuses(root, () => state.upgrade(), 'MARKER_LOST', 4, /notes.*Also: log \(MARKER_LOST\), other/)
    const data = dataOf(root)
    const report = await state.stamp(stamps, { reason })
    assert.equal(report.outcome, 'stamped')
    assert.ok(report.stores.every(({ status }) => status === 'current'))
    assert.deepEqual(dataOf(root), data)
    assert.deepEqual(markersOf(root)[1], `notes//sign: null stamped ${reason}`)
    assert.match(markersOf(root)[0] ?? '', /^notes\/\/upper: sha256:\w{8} stamped put back by hand$/)
    assert.equal((await state.upgrade()).outcome, 'up-to-date')
    assert.deepEqual((await state.verify()).problems, [])
    assert.equal((await state.stamp(stamps, { reason })).outcome, 'up-to-date')
  })

  it('[G4] [A17] a stamp has a backup, which brings back what was there; none is made where nothing is to be done', async (t) => {
    const root = await upgradedRoot(t)
    loseMarkers(root)
    const state = whole.in(root)
    const had = (await state.backups.list()).length
    const { backup } = await state.stamp(stamps, { reason })
    assert.ok(backup !== null)
    assert.equal((await state.backups.list()).at(-1)?.id, backup)
    await state.backups.restore(backup)
    assert.deepEqual(
      (await state.status()).stores.map(({ version }) => version),
      [null, null, null],
    )
    assert.equal((await state.stamp(stamps, { reason, backup: 'none' })).backup, null)
    assert.equal((await state.stamp(stamps, { reason })).outcome, 'up-to-date')
    // The stamp's, and what was there before the restore
    assert.equal((await state.backups.list()).length, had + 2)
  })

  it('[G7] [A17] a dry run of a stamp says what would be, and changes nothing', async (t) => {
    const root = await upgradedRoot(t)
    loseMarkers(root)
    const state = whole.in(root)
    const before = footprint(root)
    const report = await state.stamp(stamps, { reason, dryRun: true })
    assert.deepEqual([report.outcome, report.dryRun, report.steps.length], ['stamped', true, 8])
    assert.deepEqual(footprint(root), before)
    await assert.rejects(state.upgrade(), { code: 'MARKER_LOST' })
  })

  it('[A6] [A17] a stamped step is not undone: nobody knows whether its up ever ran', async (t) => {
    const log = sqlite('log', { path: 'log.db' })
      .step('create', { up: 'CREATE TABLE t(x)', down: 'DROP TABLE t' })
      .step('fill', { up: 'INSERT INTO t VALUES (1)', down: 'DELETE FROM t' })
      .step('more', { up: 'INSERT INTO t VALUES (2)', down: 'DELETE FROM t WHERE x = 2' })
    const state = defineState({ app: 'agent', stores: [log] }).in(temporaryFolder(t))
    await state.upgrade({ target: 'log@create' })
    await state.stamp('log@fill', { reason })
    await state.upgrade()
    await refuses(
      state.root ?? '',
      () => state.downgrade({ target: 'log@1' }),
      'DOWN_MISSING',
      4,
      /log\/fill cannot be undone: it did not run here, a stamp says that it was applied\. Nothing was changed/,
    )
    assert.equal((await state.downgrade({ target: 'log@2' })).outcome, 'downgraded')
  })

  it('[A1] [A17] the history has each stamped step, with the reason and who did it', async (t) => {
    const root = await upgradedRoot(t)
    loseMarkers(root)
    await whole.in(root).stamp(stamps, { reason })
    const lines = (await whole.in(root).history()).filter(({ result }) => result === 'stamped')
    assert.deepEqual(
      lines.map(({ store, track, step }) => `${store}/${track}/${step}`),
      [
        'notes//upper',
        'notes//sign',
        'notes/acme/tag',
        'log//create',
        'log//take',
        'log//count',
        'other//create',
        'other//fill',
      ],
    )
    for (const line of lines) assert.deepEqual([line.reason, line.app, line.appVersion], [reason, 'agent', '1.0.0'])
    assert.match(lines[0]?.checksum ?? '', /^sha256:/)
  })

  it('[R5] what is stamped early goes on from there, as an upgrade would', async (t) => {
    const root = await upgradedRoot(t, makeState('shipped'))
    loseMarkers(root)
    const state = whole.in(root)
    await state.stamp(['notes@upper', 'notes/acme@tag', 'log@2', 'other@1'], { reason })
    const { steps } = await state.upgrade()
    assert.deepEqual(steps.map(({ step }) => step).sort(), ['count', 'fill', 'sign'])
    const db = openDatabase(join(root, 'log.db'))
    assert.deepEqual(db.get('PRAGMA user_version'), { user_version: 3 })
    db.close()
  })

  it('[A17] data that another tool made is stamped where the program would refuse or misread it', async (t) => {
    const root = temporaryFolder(t)
    const db = openDatabase(join(root, 'tasks.db'))
    db.exec('CREATE TABLE task(id INTEGER PRIMARY KEY, due TEXT); PRAGMA user_version = 42')
    db.close()
    const tasks = sqlite('tasks', { path: 'tasks.db', userVersion: true })
      .step('base', { up: 'CREATE TABLE task(id INTEGER PRIMARY KEY)' })
      .step('due', { up: 'ALTER TABLE task ADD COLUMN due TEXT' })
    for (const store of [tasks, tasks.adopt({ at: 'base' })])
      await refuses(
        root,
        () =>
          defineState({ app: 'a', stores: [store] })
            .in(root)
            .upgrade(),
        'STORE_LEGACY',
        4,
      )
    const state = defineState({ app: 'a', stores: [tasks] }).in(root)
    assert.equal((await state.stamp(tasks.at('due'), { reason: 'made by the importer' })).outcome, 'stamped')
    const held = await state.open()
    assert.equal(held.report.outcome, 'up-to-date')
    await held.close()
    const after = openDatabase(join(root, 'tasks.db'))
    assert.deepEqual(after.get('PRAGMA user_version'), { user_version: 2 })
    after.close()
  })

  it('[R5] a torn marker is replaced, one of another store or another tool never', async (t) => {
    const root = await upgradedRoot(t)
    const marker = join(root, 'notes/.schema-version')
    const good = readFileSync(marker, 'utf8')
    for (const bad of [
      good.replace('"notes"', '"other"'),
      good.replace('"moult": 1', '"moult": 2'),
      '{"version": 3}',
    ]) {
      writeFileSync(marker, bad)
      await refusesStamp(root, whole, ['notes@sign', 'notes/acme@tag'], 'MARKER_UNREADABLE', /notes/)
    }
    for (const bad of ['', good.slice(0, 100), good.replace('"place": 1', '"place": 7')]) {
      writeFileSync(marker, bad)
      await refuses(root, () => whole.in(root).upgrade(), 'MARKER_UNREADABLE', 4)
      assert.equal((await whole.in(root).stamp(['notes@sign', 'notes/acme@tag'], { reason })).outcome, 'stamped')
      assert.equal((await whole.in(root).upgrade()).outcome, 'up-to-date')
    }
    const db = openDatabase(join(root, 'log.db'))
    db.exec('UPDATE moult_steps SET version = 9 WHERE version = 2')
    db.close()
    assert.equal((await whole.in(root).stamp('log@count', { reason })).outcome, 'stamped')
    assert.deepEqual(
      markersOf(root)
        .filter((line) => line.startsWith('log'))
        .map((line) => line.split(':')[0]),
      ['log//create', 'log//take', 'log//count'],
    )
    const table = openDatabase(join(root, 'other.db'))
    table.exec('DROP TABLE moult_steps; CREATE TABLE moult_steps(version, name)')
    table.close()
    await refusesStamp(root, whole, 'other@fill', 'MARKER_UNREADABLE', /is not moult's/)
  })

  it('[A17] a count that another program moved is put right', async (t) => {
    const root = await upgradedRoot(t)
    const db = openDatabase(join(root, 'log.db'))
    db.exec('PRAGMA user_version = 9')
    db.close()
    await refuses(root, () => whole.in(root).upgrade(), 'MARKER_UNREADABLE', 4, /user_version is 9/)
    await whole.in(root).stamp('log@count', { reason })
    assert.equal((await whole.in(root).upgrade()).outcome, 'up-to-date')
  })

  it('[G8] below the version that the marker says is refused: steps would run a second time', async (t) => {
    const root = await upgradedRoot(t)
    await refusesStamp(root, whole, 'notes@upper', 'TARGET_BEHIND', /its steps sign would run a second time/)
    await refusesStamp(root, whole, ['other@fill', 'log@0'], 'TARGET_BEHIND', /create, take, count/)
    // The way that the hint names: the marker of the newer data goes first
    await assert.rejects(whole.in(root).stamp('notes@upper', { reason }), {
      hint: /move notes\/\.schema-version out of the root/,
    })
    rmSync(join(root, 'notes/.schema-version'))
    await whole.in(root).stamp(['notes@upper', 'notes/acme@tag'], { reason })
    assert.deepEqual((await whole.in(root).status()).stores[0]?.pending, ['sign'])
  })

  it('[G6] [W5] what is newer, diverged or edited is refused, whatever the stamp says', async (t) => {
    const root = await upgradedRoot(t)
    await refusesStamp(
      root,
      makeState('shipped'),
      'other@create',
      'STORE_NEWER',
      /says version 2; this program knows 1/,
    )
    await refusesStamp(root, makeState('edited', { more: true }), 'other@fill', 'STORE_EDITED', /other\/create/)
    const diverged = defineState({
      app: 'agent',
      stores: [
        sqlite('other', { path: 'other.db' })
          .step('create', { up: 'CREATE TABLE t(x)' })
          .step('left', { up: 'SELECT 1' }),
      ],
    })
    await refusesStamp(root, diverged, 'other@left', 'STORE_DIVERGED', /'fill' at place 2/)
  })

  it('[W2] below a squash is refused; what is too old can be said to be brought there by hand', async (t) => {
    const root = temporaryFolder(t)
    const old = sqlite('db', { path: 'a.db' }).step('one', { up: 'CREATE TABLE t(x)' })
    await defineState({ app: 'a', stores: [old] })
      .in(root)
      .upgrade()
    const squashed = defineState({
      app: 'a',
      stores: [
        sqlite('db', { path: 'a.db' })
          .flat('CREATE TABLE t(x, y)', { replaces: ['one', 'two'], lastIn: '1.4' })
          .step('three', { up: 'ALTER TABLE t ADD COLUMN z' }),
      ],
    })
    await refusesStamp(root, squashed, 'db@1', 'STORE_TOO_OLD', /Stamped at version 1, 'db' would be too old/)
    await squashed.in(root).stamp('db@two', { reason: 'y was added by hand' })
    const db = openDatabase(join(root, 'a.db'))
    db.exec('ALTER TABLE t ADD COLUMN y')
    db.close()
    assert.equal((await squashed.in(root).upgrade()).stores[0]?.version, 3)
  })

  it('[G8] a store without data is not stamped, nor one that is gone', async (t) => {
    const root = temporaryFolder(t)
    await refusesStamp(root, whole, 'other@fill', 'STAMP_REFUSED', /'other' has no data/)
    makeOldRoot(root)
    await whole.in(root).upgrade()
    rmSync(join(root, 'other.db'))
    await refusesStamp(root, whole, 'other@fill', 'STORE_MISSING', /was here before/)
  })

  it('[R2] [G8] where the marker is gone, nobody guesses how far a plugin’s steps are', async (t) => {
    const root = await upgradedRoot(t)
    rmSync(join(root, 'notes/.schema-version'))
    await refusesStamp(root, whole, 'notes@sign', 'STAMP_REFUSED', /to say how far notes\/acme is/)
    await refusesStamp(root, whole, 'notes/acme@tag', 'STAMP_REFUSED', /to say how far notes is/)
    await whole.in(root).stamp(['notes@sign', 'notes/acme@0'], { reason })
    assert.deepEqual((await whole.in(root).status()).stores[0]?.pending, ['acme/tag'])
  })

  it('[R2] steps of a plugin that this program does not have stay in the marker', async (t) => {
    const root = await upgradedRoot(t)
    const bare = directory('notes', { path: 'notes' })
      .step('upper', { checksum: 'one', up() {} })
      .step('sign', { up() {} })
      .step('later', { up() {} })
    await defineState({ app: 'agent', stores: [bare] })
      .in(root)
      .stamp('notes@later', { reason })
    assert.deepEqual(
      markersOf(root)
        .filter((line) => line.startsWith('notes'))
        .map((line) => line.split(':')[0]),
      ['notes//upper', 'notes//sign', 'notes//later', 'notes/acme/tag'],
    )
  })

  it('[A17] a store can be stamped before its first step, and the history says so', async (t) => {
    const root = await upgradedRoot(t)
    rmSync(join(root, 'log.db'))
    const db = openDatabase(join(root, 'other.db'))
    db.exec('DROP TABLE moult_steps; ALTER TABLE t RENAME TO before')
    db.close()
    await whole.in(root).stamp('other@0', { reason })
    const [, , other] = (await whole.in(root).status()).stores
    assert.deepEqual([other?.version, other?.pending], [0, ['create', 'fill']])
    const last = (await whole.in(root).history()).at(-1)
    assert.deepEqual([last?.store, last?.step, last?.result], ['other', 'version 0', 'stamped'])
  })

  it('[P18] what a crash left is finished first, and a stamp below that is refused', async (t) => {
    const root = await upgradedRoot(t, makeState('shipped'))
    const script = fileURLToPath(new URL('./marker-child.js', import.meta.url))
    assert.equal(spawnSync(process.execPath, [script, root, 'history', 'upgrade']).signal, 'SIGKILL')
    assert.ok(existsSync(join(root, '.moult/run')))
    await assert.rejects(whole.in(root).stamp('other@create', { reason }), {
      code: 'TARGET_BEHIND',
      message: /its steps fill would run/,
    })
    assert.equal(existsSync(join(root, '.moult/run')), false)
    assert.equal((await whole.in(root).upgrade()).outcome, 'up-to-date')
  })

  it('[G5] of several that stamp at once one does, and the others see that it is done', async (t) => {
    const root = await upgradedRoot(t)
    loseMarkers(root)
    const script = fileURLToPath(new URL('./marker-child.js', import.meta.url))
    const outcomes = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const { stdout } = await promisify(execFile)(process.execPath, [script, root, '0', 'stamp'])
        return (JSON.parse(stdout) as { outcome: string }).outcome
      }),
    )
    assert.deepEqual(outcomes.toSorted(), ['stamped', 'up-to-date', 'up-to-date', 'up-to-date'])
    assert.equal((await whole.in(root).history()).filter(({ result }) => result === 'stamped').length, 8)
  })

  it('[A17] without a reason, without a target or with a mistyped one nothing happens', async (t) => {
    const root = await upgradedRoot(t)
    const state = whole.in(root)
    await assert.rejects(state.stamp('notes@sign', {} as { reason: string }), TypeError)
    await assert.rejects(state.stamp('notes@sign', { reason: ' ' }), TypeError)
    await assert.rejects(state.stamp([], { reason }), TypeError)
    await assert.rejects(state.stamp('notes@sing', { reason }), { code: 'TARGET_UNKNOWN' })
    await assert.rejects(state.stamp(['other@create', 'log@count', 'other@fill'], { reason }), {
      code: 'STAMP_REFUSED',
      message: /names 'other' twice/,
    })
  })

  it('[G5] a state that this process has open is in use', async (t) => {
    const root = await upgradedRoot(t)
    loseMarkers(root)
    await whole.in(root).stamp(stamps, { reason })
    const held = await whole.in(root).open()
    rmSync(join(root, 'notes/.schema-version'))
    await assert.rejects(whole.in(root).stamp(['notes@sign', 'notes/acme@tag'], { reason, waitMs: 0 }), {
      code: 'IN_USE',
    })
    assert.equal(existsSync(join(root, 'notes/.schema-version')), false)
    await held.close()
  })
})
