import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { defineState, isMoultError, sqlite } from 'moult'
import type { RunEvent, State, Store } from 'moult'
import { failAt } from '../disk/fault-disk.js'
import { fails } from '../records/state.js'
import { footprint, temporaryFolder } from '../support/footprint.js'
import { openDatabase } from '../support/sqlite.js'
import { contentOf } from './content.js'
import { index, log, notes, oldState, vault } from './small-state.js'

const withStores = (root: string, ...stores: Store[]): State =>
  defineState({ app: 'agent', appVersion: '2.0.0', stores }).in(root)

test('[A3] [G4] an upgrade makes a verified backup before its first write, which brings the old state back', async (t) => {
  const { root, state } = oldState(t)
  const before = contentOf(root)
  const events: RunEvent[] = []
  const report = await state.upgrade({ onEvent: (event) => events.push(event) })
  const [made, ...more] = await state.backups.list()
  assert.equal(more.length, 0)
  assert.deepEqual([report.backup, made?.cause, made?.whole, made?.moment], [made?.id, 'run', true, 'exact'])
  const at = (type: RunEvent['type']): number => events.findIndex((event) => event.type === type)
  assert.ok(at('planned') < at('backup') && at('backup') < at('step'))
  assert.deepEqual(await state.backups.verify(), [])
  assert.equal((await state.upgrade()).backup, null, 'nothing to do, nothing to keep')
  await state.backups.restore(made!.id)
  assert.deepEqual(contentOf(root), before)
})

test('[A3] a fresh state has nothing to keep, and backup: none keeps nothing', async (t) => {
  const root = temporaryFolder(t)
  assert.equal((await withStores(root, log).upgrade()).backup, null)
  const { root: old, state } = oldState(t)
  assert.equal((await state.upgrade({ backup: 'none' })).backup, null)
  assert.ok(!fs.existsSync(join(old, '.moult/backups')))
  await assert.rejects(state.upgrade({ backup: 'maybe' as never }), TypeError)
})

test('[A3] the same upgrade failing a hundred times leaves one backup, still good', async (t) => {
  const { root } = oldState(t, 20)
  const broken = log.step('breaks', {
    up() {
      throw new Error('not today')
    },
  })
  const state = withStores(root, notes, vault, broken, index)
  const before = footprint(root)
  for (let i = 0; i < 100; i++) await assert.rejects(state.upgrade(), fails('STEP_FAILED'))
  const { '.': _, ...after } = footprint(root)
  const { '.': __, ...expected } = before
  assert.deepEqual(after, expected)
  const backups = await state.backups.list()
  assert.equal(backups.length, 1)
  assert.deepEqual(await state.backups.verify(), [])
  // Once the state is another, so is its backup
  fs.writeFileSync(join(root, 'vault/new.blob'), 'new')
  await assert.rejects(state.upgrade(), (error) => isMoultError(error) && error.report?.backup !== backups[0]?.id)
  assert.equal((await state.backups.list()).length, 2)
})

test('[A3] without a backup that can be relied on nothing is begun; try goes on with a warning', async (t) => {
  const { root, state } = oldState(t)
  const path = join(root, 'log.db')
  const db = openDatabase(path)
  const page = Number(db.get("SELECT rootpage FROM sqlite_schema WHERE name = 'item_body'")?.['rootpage'])
  db.close()
  const bytes = fs.readFileSync(path)
  // The rightmost child of the index's root: "Database File Format" §1.6
  bytes.writeUInt32BE(0xffffff, (page - 1) * 4096 + 8)
  fs.writeFileSync(path, bytes)
  const before = footprint(root)
  await assert.rejects(
    state.upgrade(),
    fails('BACKUP_FAILED', /the database of 'log' is damaged: integrity_check says/),
  )
  const { '.': _, ...after } = footprint(root)
  const { '.': __, ...expected } = before
  assert.deepEqual(after, expected)
  assert.deepEqual(fs.readdirSync(join(root, '.moult/backups')), [])
  const warnings: string[] = []
  const report = await state.upgrade({
    backup: 'try',
    onEvent: (event) => event.type === 'warning' && warnings.push(event.code),
  })
  assert.deepEqual([report.outcome, report.backup], ['upgraded', null])
  assert.ok(warnings.includes('BACKUP_FAILED'))
})

test('[A3] of the backups that runs made five stay, those that were asked for all', async (t) => {
  const { root, state } = oldState(t, 5)
  await state.backups.create({ reason: 'mine' })
  let grown = log
  for (let i = 0; i < 7; i++) {
    grown = grown.step(`more${i}`, { up: `CREATE TABLE more${i}(x)` }) as never
    await withStores(root, notes, vault, grown, index).upgrade()
  }
  const two = defineState({
    app: 'agent',
    stores: [notes, vault, grown.step('last', { up: 'CREATE TABLE last(x)' }), index],
    keepBackups: 2,
  })
  const causes = (await state.backups.list()).map(({ cause }) => cause)
  assert.deepEqual(causes, ['command', 'run', 'run', 'run', 'run', 'run'])
  await two.in(root).upgrade()
  assert.deepEqual(
    (await state.backups.list()).map(({ cause }) => cause),
    ['command', 'run', 'run'],
  )
  for (const wrong of [0, 1.5, '2', null])
    assert.throws(
      () => defineState({ app: 'agent', stores: [], keepBackups: wrong as never }),
      /keepBackups is a whole/,
    )
  assert.deepEqual(await state.backups.verify(), [])
})

/** Two databases whose steps need one another in turn, so that one is committed before the last step has run. */
function circle(root: string): State {
  const base = 'CREATE TABLE t(x)'
  const a1 = sqlite('a', { path: 'a.db' }).step('make', { up: base }).step('first', { up: 'INSERT INTO t VALUES (1)' })
  const b = sqlite('b', { path: 'b.db' })
    .step('make', { up: base })
    .step('second', {
      reads: { a: a1.at('first') },
      up: ({ db }) => void db.run('INSERT INTO t VALUES (2)'),
    })
    .adopt({ at: 'make' })
  const a = a1
    .step('third', {
      reads: { b: b.at('second') },
      up() {
        throw new Error('too late')
      },
    })
    .adopt({ at: 'make' })
  return withStores(root, a, b)
}

function circleRoot(t: Parameters<typeof temporaryFolder>[0]): string {
  const root = temporaryFolder(t)
  for (const name of ['a.db', 'b.db']) {
    const db = openDatabase(join(root, name))
    db.exec('CREATE TABLE t(x); INSERT INTO t VALUES (0)')
    db.close()
  }
  return root
}

test('[G3] [P8] step k of n fails after others were committed: all are as before, from the backup', async (t) => {
  const root = circleRoot(t)
  const before = contentOf(root)
  const state = circle(root)
  await assert.rejects(state.upgrade(), (error) => {
    assert.ok(isMoultError(error, 'STEP_FAILED'))
    assert.equal(error.report?.outcome, 'put-back')
    assert.match(error.message, /Every store is as it was before\./)
    assert.ok(error.report?.steps.every(({ result }) => result !== 'done'))
    assert.deepEqual(
      error.report?.stores.map(({ status }) => status),
      ['legacy', 'legacy'],
    )
    return true
  })
  assert.deepEqual(contentOf(root), before)
  assert.equal((await state.backups.list()).length, 1)
  assert.ok(!fs.existsSync(join(root, '.moult/run')))
})

test('[G3] with backup: none earlier commits stay, each whole, and are named', async (t) => {
  const root = circleRoot(t)
  await assert.rejects(circle(root).upgrade({ backup: 'none' }), (error) => {
    assert.ok(isMoultError(error, 'STEP_FAILED'))
    assert.equal(error.report?.outcome, 'unfinished')
    assert.match(error.message, /Steps of a, b had been committed before and stay|Steps of b, a had/)
    return true
  })
})

for (const forEver of [true, false])
  test(`[G3] [P8] putting back that the disk cuts off ${forEver ? 'for good' : 'once'} is finished or given up whole by the next start`, async (t) => {
    const base = circleRoot(t)
    const before = contentOf(base)
    let struck = 0
    for (let at = 0; ; at += 3) {
      const root = circleRoot(t)
      const fault = failAt({ kind: 'error', code: 'EIO', at, forEver })
      const error: unknown = await circle(root)
        .upgrade()
        .then(
          () => null,
          (thrown: unknown) => thrown,
        )
      fault.heal()
      if (!fault.hit()) break
      struck++
      assert.ok(error !== null, fault.what())
      // What the next start does first
      await circle(root).backups.prune({ keep: 100 })
      assert.ok(!fs.existsSync(join(root, '.moult/run')))
      const found = contentOf(root) as Record<string, [unknown, unknown]>
      for (const name of ['a.db', 'b.db']) assert.deepEqual(found[name]?.[1], [{ integrity_check: 'ok' }], fault.what())
      // Each database is at one of its commits, and the next upgrade can go on from there
      await assert.rejects(circle(root).upgrade(), fails('STEP_FAILED'), fault.what())
      const after = contentOf(root)
      const isOld = JSON.stringify(after) === JSON.stringify(before)
      if (JSON.stringify(found) === JSON.stringify(before)) assert.ok(isOld, fault.what())
    }
    assert.ok(struck > 50, String(struck))
  })
