import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { defineState } from 'moult'
import type { StoreChanges } from 'moult'
import { examples } from '../../examples/index.js'
import { oldRoots } from '../examples/old-roots.js'
import { fails } from '../records/state.js'
import { footprint, temporaryFolder } from '../support/footprint.js'
import { openDatabase } from '../support/sqlite.js'
import { contentOf } from './content.js'
import { index, log, notes, oldState, vault } from './small-state.js'

/** The index of a log is no data: whoever opens a database after a crash makes it anew. */
const dataIn = (root: string): unknown => Object.entries(footprint(root)).filter(([path]) => !path.endsWith('-shm'))

for (const example of examples) {
  const roots = oldRoots(example)
  test(`[G7] [R8] [A4] ${example.name}: a dry run's numbers are those of the run that follows, and the state stays as it is`, async (t) => {
    const root = roots.copy(t)
    const state = example.state.in(root)
    const before = dataIn(root)
    const dry = await state.upgrade({ dryRun: true })
    assert.deepEqual(dataIn(root), before)
    assert.ok(!fs.existsSync(join(root, '.moult')), 'not even a folder of moult’s')
    assert.deepEqual([dry.dryRun, dry.root, dry.outcome, dry.backup], [true, root, 'upgraded', null])
    const real = await state.upgrade()
    const numbers = ({ steps }: typeof dry): unknown => steps.map(({ ms: _, ...step }) => step)
    assert.deepEqual(numbers(dry), numbers(real))
    assert.deepEqual(dry.stores, real.stores)
    assert.equal(real.rehearsal, null)

    const again = await state.upgrade({ dryRun: true })
    assert.deepEqual([again.outcome, again.steps], ['up-to-date', []])
    for (const { tables, schema, files } of again.rehearsal?.stores ?? []) {
      assert.deepEqual(tables ?? {}, {})
      for (const names of Object.values(schema ?? {})) assert.deepEqual(names, [])
      for (const { count } of Object.values(files ?? {})) assert.equal(count, 0)
    }
  })
}

const changesOf = (stores: readonly StoreChanges[] | undefined, name: string): StoreChanges =>
  stores!.find(({ store }) => store === name)!

test('[G7] [A4] a dry run says what became of rows, schema and files, with examples, and what the copy took', async (t) => {
  const { root, state } = oldState(t, 30)
  const report = await state.upgrade({ dryRun: true })
  const stores = report.rehearsal?.stores
  assert.deepEqual(changesOf(stores, 'index').tables?.['item'], { added: 30, removed: 30, changed: 0 })
  assert.deepEqual(changesOf(stores, 'log').schema?.changed, ['table item'])
  assert.ok(changesOf(stores, 'log').schema?.added.includes('table moult_steps'))
  assert.deepEqual(changesOf(stores, 'vault').files, {
    added: { count: 2, examples: ['store/a.blob', 'store/b.blob'] },
    removed: { count: 2, examples: ['a.blob', 'b.blob'] },
    changed: { count: 0, examples: [] },
  })
  assert.equal(changesOf(stores, 'notes').files?.changed.count, 20)
  assert.ok(report.rehearsal!.bytes > fs.statSync(join(root, 'log.db')).size)
  assert.ok(!fs.existsSync(join(root, '.moult')))
})

test('[G7] [A17] it fails as the run would, with the same error, and steps are told that it is a rehearsal', async (t) => {
  const { root } = oldState(t)
  let told: unknown
  const broken = log.step('breaks', {
    up({ dryRun }) {
      told = dryRun
      throw new Error(`no good in ${root}`)
    },
  })
  const state = defineState({ app: 'agent', stores: [notes, vault, broken, index] }).in(root)
  const before = footprint(root)
  await assert.rejects(state.upgrade({ dryRun: true }), (error: any) => {
    assert.ok(fails('STEP_FAILED', /log\/breaks/)(error))
    assert.deepEqual([error.report.dryRun, error.report.root, error.report.outcome], [true, root, 'put-back'])
    assert.doesNotMatch(error.message, /moult-dry-run/)
    return true
  })
  assert.equal(told, true)
  assert.deepEqual(footprint(root), before)
})

test('[G7] [R8] it runs beside the app: its connections, its log and its locks stay what they are', async (t) => {
  const { root, state } = oldState(t)
  await state.upgrade({ target: ['notes@1'] })
  const app = openDatabase(join(root, 'log.db'))
  app.exec('PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; UPDATE item SET body = 1 WHERE id < 10')
  const held = await state.open({ onPending: 'continue' })
  const before = fs.statSync(join(root, 'log.db-wal'))
  const times = ['log.db', 'data/index.db', 'vault', '.'].map((path) => fs.statSync(join(root, path)).mtimeMs)
  const report = await state.upgrade({ dryRun: true })
  assert.equal(report.outcome, 'upgraded')
  assert.deepEqual(
    ['log.db', 'data/index.db', 'vault', '.'].map((path) => fs.statSync(join(root, path)).mtimeMs),
    times,
  )
  assert.deepEqual(
    [fs.statSync(join(root, 'log.db-wal')).size, fs.statSync(join(root, 'log.db-wal')).mtimeMs],
    [before.size, before.mtimeMs],
  )
  app.exec('UPDATE item SET body = 2 WHERE id < 10')
  assert.deepEqual(app.all('SELECT count(*) AS n FROM item WHERE body = 2'), [{ n: 9 }])
  app.close()
  await held.close()
  assert.deepEqual(fs.readdirSync(join(root, '.moult/dry-run')), [])
})

test('[G7] [P19] on a read-only mount it copies to another folder', async (t) => {
  const { root } = oldState(t)
  const mount = temporaryFolder(t)
  try {
    execFileSync('mount', ['--bind', root, mount])
  } catch (error) {
    t.skip(`cannot mount: ${String(error)}`)
    return
  }
  try {
    execFileSync('mount', ['-o', 'remount,bind,ro', mount])
    const scratch = temporaryFolder(t)
    const state = defineState({ app: 'agent', stores: [notes, vault, log, index] }).in(mount)
    const report = await state.upgrade({ dryRun: true, scratch })
    assert.equal(report.outcome, 'upgraded')
    assert.deepEqual(fs.readdirSync(scratch), [])
  } finally {
    execFileSync('umount', ['-l', mount])
  }
  const content = contentOf(root)
  assert.ok(content)
  const state = defineState({ app: 'agent', stores: [notes] }).in(root)
  await assert.rejects(state.upgrade({ scratch: '/tmp' }), TypeError)
  await assert.rejects(state.upgrade({ dryRun: true, scratch: 'here' }), TypeError)
})

test('[G7] a downgrade can be rehearsed, and a run that was cut off cannot', async (t) => {
  const { root } = oldState(t)
  const back = log.step('drop', { up: 'CREATE TABLE extra(x)', down: 'DROP TABLE extra' })
  const state = defineState({ app: 'agent', stores: [back] }).in(root)
  await state.upgrade()
  const before = contentOf(root)
  const report = await state.downgrade({ target: 'log@2', dryRun: true })
  assert.deepEqual([report.outcome, report.dryRun], ['downgraded', true])
  assert.deepEqual(changesOf(report.rehearsal?.stores, 'log').schema?.removed, ['table extra'])
  assert.deepEqual(contentOf(root), before)
  fs.mkdirSync(join(root, '.moult/run'))
  await assert.rejects(state.upgrade({ dryRun: true }), fails('UNFINISHED', /cut off/))
})

test('[G7] a dry run leaves no descriptor open on its copies, whose space would stay taken', async (t) => {
  if (process.platform !== 'linux') return t.skip('there is no /proc to look at')
  const { state } = oldState(t)
  const copies = (): string[] =>
    fs.readdirSync('/proc/self/fd').flatMap((fd) => {
      try {
        const target = fs.readlinkSync(`/proc/self/fd/${fd}`)
        return target.includes('moult-dry-run') ? [target] : []
      } catch {
        return []
      }
    })
  for (let i = 0; i < 3; i++) await state.upgrade({ dryRun: true })
  assert.deepEqual(copies(), [])
})
