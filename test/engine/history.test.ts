import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { defineState, directory, isMoultError, sqlite } from 'moult'
import type { HistoryEntry } from 'moult'
import { replaceDisk } from '#moult/disk/disk.js'
import { temporaryFolder } from '../support/footprint.js'
import { makeOldState, makeState as makeCrashState, oldest } from './crash-state.js'
import { makeOldRoot, makeState } from './edited-state.js'

function brief({ store, track, step, result, code }: HistoryEntry): readonly unknown[] {
  return [[store, track, step].filter(Boolean).join('/'), result, ...(code === undefined ? [] : [code])]
}

describe('the history', () => {
  it('[A1] [A17] has what was done, skipped, undone and failed: how long, by whom, in which run, and why', async (t) => {
    const root = temporaryFolder(t)
    const make = (version: string, third: string) => {
      const db = sqlite('db', { path: 'a.db' })
        .step('create', { up: 'CREATE TABLE t(x)' })
        .step('nothing', { up: ({ skip }) => skip('nothing to do here') })
        .step('fill', { up: third })
      return defineState({ app: 'agent', appVersion: version, stores: [db] }).in(root)
    }
    const failed = await make('1.0.0', 'INSERT INTO nowhere VALUES (1)')
      .upgrade()
      .catch((error: unknown) => error)
    assert.ok(isMoultError(failed, 'STEP_FAILED'))
    const state = make('1.0.1', 'INSERT INTO t VALUES (1)')
    await state.upgrade()
    const lines = await state.history()
    assert.deepEqual(lines.map(brief), [
      ['db/create', 'undone', 'STEP_FAILED'],
      ['db/nothing', 'undone', 'STEP_FAILED'],
      ['db/fill', 'failed', 'STEP_FAILED'],
      ['db/create', 'done'],
      ['db/nothing', 'skipped'],
      ['db/fill', 'done'],
    ])
    assert.deepEqual(
      lines.map(({ error }) => error !== undefined),
      [false, false, true, false, false, false],
    )
    assert.match(lines[2]?.error ?? '', /nowhere.*Every store is as it was before/)
    assert.equal(lines[4]?.reason, 'nothing to do here')
    assert.deepEqual(
      lines.map(({ appVersion }) => appVersion),
      ['1.0.0', '1.0.0', '1.0.0', '1.0.1', '1.0.1', '1.0.1'],
    )
    assert.equal(new Set(lines.slice(0, 3).map(({ run }) => run)).size, 1)
    assert.equal(new Set(lines.map(({ run }) => run)).size, 2)
    for (const { ms, at, direction } of lines) assert.ok(ms >= 0 && Date.parse(at) > 0 && direction === 'up')
    assert.match(lines[3]?.checksum ?? '', /^sha256:/)
    assert.notEqual(lines[2]?.checksum, lines[5]?.checksum)
  })

  it('[A1] [A17] where all steps went well and the commit did not, the last line says why', async (t) => {
    const root = temporaryFolder(t)
    mkdirSync(join(root, 'notes'))
    writeFileSync(join(root, 'notes/a.md'), 'a')
    const notes = directory('notes', { path: 'notes' })
      .step('one', { up: ({ files }) => files.write('b.md', 'b') })
      .step('two', {
        async up({ files }) {
          await files.write('a.md', `${await files.text('a.md')}!`)
          // Somebody else, who does not know moult
          writeFileSync(join(root, 'notes/a.md'), 'written meanwhile')
        },
      })
      .adopt('oldest')
    const state = defineState({ app: 'agent', stores: [notes] }).in(root)
    const error = await state.upgrade().catch((thrown: unknown) => thrown)
    assert.ok(isMoultError(error, 'STORE_CHANGED'), String(error))
    const lines = await state.history()
    assert.deepEqual(lines.map(brief), [
      ['notes/one', 'undone', 'STORE_CHANGED'],
      ['notes/two', 'undone', 'STORE_CHANGED'],
    ])
    assert.equal(lines[0]?.error, undefined)
    assert.equal(lines[1]?.error, error.message)
  })

  it('[A1] [P28] a history that cannot be written is a warning, and the upgrade is whole', async (t) => {
    const root = temporaryFolder(t)
    makeOldRoot(root)
    const state = makeState('shipped').in(root)
    const warnings: string[] = []
    const heal = replaceDisk((real) => ({
      ...real,
      open: (path, flags, ...rest) => {
        if (path.endsWith('history.jsonl') && String(flags).startsWith('a'))
          throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
        return real.open(path, flags, ...rest)
      },
    }))
    try {
      const { outcome } = await state.upgrade({
        onEvent: (event) => void (event.type === 'warning' && warnings.push(event.code)),
      })
      assert.equal(outcome, 'upgraded')
    } finally {
      heal()
    }
    assert.deepEqual(warnings, ['HISTORY_NOT_WRITTEN'])
    assert.deepEqual(await state.history(), [])
    assert.equal((await state.upgrade()).outcome, 'up-to-date')
  })

  it('[G8] a history that cannot be read is not taken for none', async (t) => {
    const root = temporaryFolder(t)
    makeOldRoot(root)
    const state = makeState('shipped').in(root)
    await state.upgrade()
    rmSync(join(root, 'notes/.schema-version'))
    const heal = replaceDisk((real) => ({
      ...real,
      open: (path, ...rest) => {
        if (path.endsWith('history.jsonl')) throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' })
        return real.open(path, ...rest)
      },
    }))
    try {
      const unreadable = { code: 'STORE_UNREADABLE', message: /history\.jsonl cannot be read \(EIO\)/ }
      await assert.rejects(state.history(), unreadable)
      // Without it, data that has lost its marker would be adopted a second time
      await assert.rejects(state.upgrade(), unreadable)
    } finally {
      heal()
    }
    await assert.rejects(state.upgrade(), { code: 'MARKER_LOST' })
    rmSync(join(root, '.moult/history.jsonl'))
    mkdirSync(join(root, '.moult/history.jsonl'))
    await assert.rejects(state.upgrade(), { code: 'FILE_UNSUPPORTED' })
  })

  it('[A1] [G1] a run that was killed before it wrote its history is in it after the next start', async (t) => {
    const script = fileURLToPath(new URL('./marker-child.js', import.meta.url))
    const root = temporaryFolder(t)
    makeOldRoot(root)
    await makeState('shipped').in(root).upgrade()
    const state = makeState('shipped', { more: true }).in(root)
    const before = await state.history()
    assert.equal(spawnSync(process.execPath, [script, root, 'history', 'upgrade']).signal, 'SIGKILL')
    assert.deepEqual(await state.history(), before)
    const held = await state.open()
    await held.close()
    const added = (await state.history()).slice(before.length)
    assert.deepEqual(added.map(brief), [
      ['notes/sign', 'done'],
      ['log/count', 'done'],
      ['other/fill', 'done'],
    ])
    const [first] = added
    assert.match(first?.reason ?? '', /cut off before it wrote this line/)
    assert.deepEqual([first?.app, first?.appVersion, first?.checksum], ['agent', '1.0.0', null])
    assert.ok(!before.some(({ run }) => run === first?.run), 'it has the id of the run that was killed')
    // No second time
    await (await state.open()).close()
    assert.equal((await state.history()).length, before.length + 3)
  })

  it('[A1] [A6] so is a downgrade, whoever finishes it: a backup too; and what is done again is a line again', async (t) => {
    const script = fileURLToPath(new URL('./crash-child.js', import.meta.url))
    const root = temporaryFolder(t)
    makeOldState(root)
    const state = makeCrashState(2).in(root)
    await state.upgrade()
    await state.downgrade({ target: 'log@1' })
    await state.upgrade()
    const before = await state.history()
    assert.equal(spawnSync(process.execPath, [script, root, 'history', '2', 'down']).signal, 'SIGKILL')
    await state.backups.create()
    const added = (await state.history()).slice(before.length)
    assert.deepEqual(
      added.map((line) => [...brief(line), line.direction]),
      [
        ['log/take-notes', 'done', 'down'],
        ['log/create', 'done', 'down'],
        ['notes/number', 'done', 'down'],
        ['items/v2', 'done', 'down'],
      ],
    )
    assert.equal(new Set(added.map(({ run }) => run)).size, 1)
    assert.match(added[0]?.reason ?? '', /the marker has the step no more/)
    assert.equal((await state.upgrade()).outcome, 'upgraded')
    assert.equal(
      (await state.history()).slice(before.length + 4).every(({ direction }) => direction === 'up'),
      true,
    )
    assert.equal((await state.history()).length, before.length + 8)
  })

  it('[A1] [G1] a step that a killed run did not get to is in no line', async (t) => {
    const script = fileURLToPath(new URL('./crash-child.js', import.meta.url))
    const root = temporaryFolder(t)
    makeOldState(root)
    const ended = spawnSync(process.execPath, [script, root, '0', '2'])
    const { operations } = JSON.parse(ended.stdout.toString()) as { operations: number }
    const state = makeCrashState(2).in(root)
    const before = await state.history()
    const { outcome } = await state.downgrade({ target: oldest })
    assert.equal(outcome, 'downgraded')
    const killed = spawnSync(process.execPath, [script, root, String(Math.floor(operations / 2)), '2'])
    assert.equal(killed.signal, 'SIGKILL')
    await state.upgrade({ target: [] })
    const { stores } = await state.status()
    const lines = (await state.history()).slice(before.length + 4)
    const applied = stores.reduce((sum, { version }) => sum + (version ?? 0), 0)
    // items@1 was there before; v1 is adopted
    assert.equal(lines.length, applied - 1)
  })
})
