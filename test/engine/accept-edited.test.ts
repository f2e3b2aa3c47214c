import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { defineState, isMoultError, sqlite } from 'moult'
import type { Target } from 'moult'
import { openDatabase } from '../support/sqlite.js'
import { failAt } from '../disk/fault-disk.js'
import { footprint, temporaryFolder } from '../support/footprint.js'
import { dataOf, edits, makeOldRoot, makeState, markersOf } from './edited-state.js'
import { refuses } from './small-state.js'

async function upgradedRoot(t: TestContext): Promise<string> {
  const root = temporaryFolder(t)
  makeOldRoot(root)
  await makeState('shipped').in(root).upgrade()
  return root
}

function sha256(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`
}

describe('accepting edited steps', () => {
  it('[A5] [K5] without it every edited step is refused and named, with what to do', async (t) => {
    const root = await upgradedRoot(t)
    const edited = makeState('edited').in(root)
    await refuses(root, () => edited.upgrade(), 'STORE_EDITED', 4, /notes\/upper .*Also: log \(STORE_EDITED\), other/)
    const { problems, stores } = await edited.status()
    assert.deepEqual(
      stores.map(({ name, status }) => [name, status]),
      [
        ['notes', 'edited'],
        ['log', 'edited'],
        ['other', 'edited'],
      ],
    )
    assert.match(problems[1]?.message ?? '', /The steps log\/create, log\/take were changed/)
    assert.match(problems[1]?.hint ?? '', /acceptEdited: \['log@create'\], or --accept-edited log@create/)
  })

  it('[A5] [G4] [G7] a dry run accepts on the copy alone; the run has a backup, from which the edit is back', async (t) => {
    const root = await upgradedRoot(t)
    const edited = makeState('edited').in(root)
    const before = footprint(root)
    const rehearsed = await edited.upgrade({ acceptEdited: edits, dryRun: true })
    assert.deepEqual([rehearsed.outcome, rehearsed.dryRun], ['upgraded', true])
    assert.ok(rehearsed.steps.every(({ result }) => result === 'accepted'))
    assert.deepEqual(footprint(root), before)
    const { backup } = await edited.upgrade({ acceptEdited: edits })
    assert.ok(backup !== null)
    await edited.backups.restore(backup)
    await assert.rejects(edited.upgrade(), { code: 'STORE_EDITED' })
  })

  it('[A5] an accepted step is undone by the down that it has now', async (t) => {
    const root = temporaryFolder(t)
    const make = (comment: string) =>
      defineState({
        app: 'agent',
        stores: [
          sqlite('log', { path: 'log.db' }).step('create', { up: `CREATE TABLE t(x)${comment}`, down: 'DROP TABLE t' }),
        ],
      }).in(root)
    await make('').upgrade()
    const edited = make(' -- edited')
    await assert.rejects(edited.downgrade({ target: 'log@0' }), { code: 'STORE_EDITED' })
    await edited.upgrade({ acceptEdited: ['log@create'] })
    assert.equal((await edited.downgrade({ target: 'log@0' })).outcome, 'downgraded')
    assert.equal((await edited.upgrade()).outcome, 'upgraded')
  })

  it('[A5] [K5] with nothing pending the checksums are replaced, in each kind of store, and nothing runs', async (t) => {
    const root = await upgradedRoot(t)
    const before = { ...footprint(root) }
    const edited = makeState('edited').in(root)
    const report = await edited.upgrade({ acceptEdited: edits })
    assert.equal(report.outcome, 'upgraded')
    assert.deepEqual(
      report.steps.map(({ store, track, step, result }) => [store, track, step, result]),
      [
        ['notes', '', 'upper', 'accepted'],
        ['notes', 'acme', 'tag', 'accepted'],
        ['log', '', 'create', 'accepted'],
        ['log', '', 'take', 'accepted'],
        ['other', '', 'create', 'accepted'],
      ],
    )
    assert.deepEqual(
      report.stores.map(({ status }) => status),
      ['current', 'current', 'current'],
    )
    const one = sha256('one')
    const two = sha256('two')
    assert.equal(report.steps[0]?.was, one)
    assert.match(
      markersOf(root)[0] ?? '',
      new RegExp(
        `^notes//upper: ${two.slice(0, 15)} step an edit was accepted on DATE by agent 2\\.0\\.0; the checksum was ${one.slice(0, 15)}$`,
      ),
    )
    assert.equal(markersOf(root).filter((line) => /an edit was accepted/.test(line)).length, 5)
    const after = { ...footprint(root) }
    for (const prints of [before, after])
      for (const path of ['.', 'notes', 'notes/.schema-version', 'log.db', 'other.db']) delete prints[path]
    assert.deepEqual(after, before)
    assert.equal((await edited.upgrade()).outcome, 'up-to-date')
    assert.equal((await edited.verify()).problems.length, 0)
  })

  it('[A1] [A5] the history has who accepted what, with both checksums', async (t) => {
    const root = await upgradedRoot(t)
    const edited = makeState('edited').in(root)
    await edited.upgrade({ acceptEdited: edits })
    const line = (await edited.history()).find(({ result, step }) => result === 'accepted' && step === 'take')
    assert.ok(line)
    assert.deepEqual(
      [line.store, line.appVersion, line.was, line.checksum],
      ['log', '2.0.0', sha256('one'), sha256('two')],
    )
    assert.ok(Date.parse(line.at) > 0 && line.run !== '')
  })

  it('[A5] others are never accepted along with it: the run is refused, and no byte changes', async (t) => {
    const root = await upgradedRoot(t)
    const edited = makeState('edited').in(root)
    const some: Target[] = ['notes@upper', 'notes/acme@tag', 'log@create', 'other@create']
    await refuses(root, () => edited.upgrade({ acceptEdited: some }), 'STORE_EDITED', 4, /The step log\/take was/)
    await refuses(root, () => edited.open({ acceptEdited: some }), 'STORE_EDITED', 4, /The step log\/take was/)
  })

  it('[A5] pending steps run in the same run, also where a target leaves the accepted store out', async (t) => {
    const root = await upgradedRoot(t)
    const edited = makeState('edited', { more: true }).in(root)
    const report = await edited.upgrade({ acceptEdited: edits, target: 'other@fill' })
    assert.deepEqual(
      report.steps.filter(({ result }) => result === 'done').map(({ store, step }) => `${store}/${step}`),
      ['other/fill'],
    )
    assert.deepEqual(
      report.stores.map(({ status }) => status),
      ['behind', 'behind', 'current'],
    )
    assert.equal((await edited.upgrade()).steps.length, 2)
  })

  it('[A5] a step that fails after it takes the acceptance back with it', async (t) => {
    const root = temporaryFolder(t)
    const make = (sql: string, next?: string): ReturnType<typeof defineState> => {
      const db = sqlite('db', { path: 'app.db' }).step('create', { up: sql })
      return defineState({ app: 'agent', stores: [next === undefined ? db : db.step('next', { up: next })] })
    }
    await make('CREATE TABLE t(x)').in(root).upgrade()
    const failing = make('CREATE TABLE t(x) --', 'INSERT INTO nothing VALUES (1)').in(root)
    await refuses(root, () => failing.upgrade({ acceptEdited: ['db@create'] }), 'STEP_FAILED', 7)
    assert.deepEqual(
      (await failing.history())
        .slice(1)
        .map(({ step, result, code, error }) => [step, result, code, error !== undefined]),
      [
        ['create', 'undone', 'STEP_FAILED', false],
        ['next', 'failed', 'STEP_FAILED', true],
      ],
    )
    assert.equal((await failing.status()).stores[0]?.status, 'edited')
  })

  it('[A5] [K6] an app may go on naming the step: at its second start nothing is written', async (t) => {
    const root = await upgradedRoot(t)
    const edited = makeState('edited').in(root)
    const first = await edited.open({ acceptEdited: edits })
    assert.equal(first.report.steps.length, 5)
    await first.close()
    const before = footprint(root)
    const second = await edited.open({ acceptEdited: edits })
    assert.equal(second.report.outcome, 'up-to-date')
    await second.close()
    assert.deepEqual(footprint(root), before)
  })

  it('[K6] an app that may not write is told that something is pending', async (t) => {
    const root = await upgradedRoot(t)
    const edited = makeState('edited').in(root)
    const before = footprint(root)
    for (const options of [{ onPending: 'refuse' }, { access: 'read' }] as const) {
      const error = await edited.open({ ...options, acceptEdited: edits }).catch((thrown: unknown) => thrown)
      assert.ok(isMoultError(error, 'UPGRADE_PENDING'), String(error))
      assert.match(error.message, /\(notes, log, other\)/)
    }
    assert.deepEqual(footprint(root), before)
    const held = await edited.open({ onPending: 'continue', acceptEdited: edits })
    assert.equal(held.report.outcome, 'behind')
    assert.deepEqual(
      held.report.stores.map(({ status }) => status),
      ['edited', 'edited', 'edited'],
    )
    await held.close()
  })

  it('[A5] a mistyped step is unknown, and one that is as it was applied is passed over', async (t) => {
    const root = await upgradedRoot(t)
    const shipped = makeState('shipped').in(root)
    for (const [named, code] of [
      ['notes@uper', 'TARGET_UNKNOWN'],
      ['nots@upper', 'TARGET_UNKNOWN'],
      ['notes@0', 'TARGET_UNKNOWN'],
    ] as const) {
      const error = await shipped.upgrade({ acceptEdited: [named] }).catch((thrown: unknown) => thrown)
      assert.ok(isMoultError(error, code), String(error))
    }
    await assert.rejects(shipped.upgrade({ acceptEdited: 'notes@upper' as unknown as Target[] }), TypeError)
    const before = footprint(root)
    assert.equal((await shipped.upgrade({ acceptEdited: edits })).outcome, 'up-to-date')
    assert.deepEqual(footprint(root), before)
  })

  it('[G6] [A5] an older program accepts nothing in data of a newer one', async (t) => {
    const root = temporaryFolder(t)
    makeOldRoot(root)
    await makeState('shipped', { more: true }).in(root).upgrade()
    const edited = makeState('edited').in(root)
    await refuses(root, () => edited.open({ acceptEdited: edits, onNewer: 'continue' }), 'STORE_EDITED', 4)
  })

  it('[A5] a marker table from before there were notes gets room for one', async (t) => {
    const root = await upgradedRoot(t)
    const db = openDatabase(join(root, 'other.db'))
    db.exec('ALTER TABLE moult_steps DROP COLUMN note')
    db.exec('ALTER TABLE moult_steps ADD COLUMN ours TEXT')
    db.exec("UPDATE moult_steps SET ours = 'kept'")
    db.close()
    const edited = makeState('edited', { more: true }).in(root)
    await edited.upgrade({ acceptEdited: edits })
    const after = openDatabase(join(root, 'other.db'))
    assert.deepEqual(after.all('SELECT name, ours, note IS NULL AS bare FROM moult_steps ORDER BY version'), [
      { name: 'create', ours: 'kept', bare: 0 },
      { name: 'fill', ours: null, bare: 1 },
    ])
    after.close()
  })

  it('[A5] nothing of it is written where there is no state yet', async (t) => {
    const root = temporaryFolder(t)
    makeOldRoot(root)
    const report = await makeState('edited').in(root).upgrade({ acceptEdited: edits })
    assert.ok(report.steps.every(({ result }) => result === 'done'))
    assert.doesNotMatch(readFileSync(join(root, 'notes/.schema-version'), 'utf8'), /note"/)
    assert.ok(existsSync(join(root, 'log.db')))
  })

  it('[G3] [A5] a reader that keeps the commit from landing: the edit is not accepted, and nobody says so', async (t) => {
    const root = temporaryFolder(t)
    const make = (sql: string): ReturnType<typeof defineState> =>
      defineState({ app: 'agent', stores: [sqlite('db', { path: 'app.db' }).step('create', { up: sql })] }).in(root)
    await make('CREATE TABLE t(x)').upgrade()
    const reader = openDatabase(join(root, 'app.db'))
    reader.exec('BEGIN')
    reader.all('SELECT * FROM t')
    const edited = make('CREATE TABLE t(x) --')
    await assert.rejects(edited.upgrade({ acceptEdited: ['db@create'], waitMs: 200 }), { code: 'IN_USE' })
    reader.exec('COMMIT')
    reader.close()
    assert.equal((await edited.status()).stores[0]?.status, 'edited')
    assert.deepEqual(
      (await edited.history()).map(({ result, code }) => [result, code]),
      [
        ['done', undefined],
        ['undone', 'IN_USE'],
      ],
    )
    assert.equal((await edited.upgrade({ acceptEdited: ['db@create'] })).outcome, 'upgraded')
  })

  it('[G3] [A5] a disk that fails at any operation leaves each marker as it was or as it should be', async (t) => {
    const old = await upgradedRoot(t)
    const before = markersOf(old)
    const data = dataOf(old)
    let outcome = ''
    let failures = 0
    for (let at = 0; outcome !== 'upgraded'; at += 3) {
      const root = join(temporaryFolder(t), 'root')
      cpSync(old, root, { recursive: true, preserveTimestamps: true })
      const edited = makeState('edited').in(root)
      const faulty = failAt({ kind: 'error', code: 'EIO', at, forEver: false })
      const result = await edited.upgrade({ acceptEdited: edits }).then(
        (report) => report.outcome,
        (error: unknown) => error,
      )
      faulty.heal()
      if (result instanceof Error) {
        failures++
        assert.ok(isMoultError(result), `${at}: ${String(result)} (${faulty.what()})`)
        if (result.report?.outcome === 'put-back') assert.deepEqual(markersOf(root), before, `${at}: ${faulty.what()}`)
      } else if (!faulty.hit()) outcome = String(result)
      await edited.upgrade({ acceptEdited: edits })
      assert.equal(markersOf(root).filter((line) => /an edit was accepted/.test(line)).length, 5, `${at}`)
      assert.deepEqual(dataOf(root), data, `${at}: ${faulty.what()}`)
    }
    assert.ok(failures > 10, `${failures} failures`)
  })
})
