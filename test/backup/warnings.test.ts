import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { defineState, isMoultError } from 'moult'
import type { RunEvent } from 'moult'
import type { Disk } from '#moult/disk/disk.js'
import { replaceDisk } from '#moult/disk/disk.js'
import { contentOf } from './content.js'
import { index, log, notes, oldState, vault } from './small-state.js'

/** Runs `work` on a disk that refuses what `refuses` says, and answers with the codes of the warnings. */
async function warningsOf(
  refuses: (operation: keyof Disk, path: string) => boolean,
  work: (onEvent: (event: RunEvent) => void) => Promise<unknown>,
): Promise<string[]> {
  const codes: string[] = []
  const check = (operation: keyof Disk, path: string): void => {
    if (refuses(operation, path))
      throw Object.assign(new Error(`EIO: i/o error, ${operation} ${path}`), { code: 'EIO', path })
  }
  const putBack = replaceDisk((real) => ({
    ...real,
    open(path, ...others) {
      check('open', path)
      return real.open(path, ...others)
    },
    rename(from, to) {
      check('rename', from)
      real.rename(from, to)
    },
    rmdir(path) {
      check('rmdir', path)
      real.rmdir(path)
    },
  }))
  try {
    await work((event) => event.type === 'warning' && codes.push(event.code))
    return codes
  } finally {
    putBack()
  }
}

test('[A13] BACKUPS_NOT_PRUNED: old backups that cannot be removed do not fail the upgrade, and go later', async (t) => {
  const { root, state } = oldState(t)
  const keepsOne = defineState({ app: 'agent', stores: [notes, vault, log, index], keepBackups: 1 }).in(root)
  await state.upgrade()
  const [first] = await state.backups.list()
  await state.backups.restore(first!.id)
  const before = (await state.backups.list()).length
  const codes = await warningsOf(
    (operation, path) =>
      operation === 'rename' &&
      path.startsWith(join(root, '.moult/backups')) &&
      !path.endsWith('.part') &&
      !path.includes('.moult-tmp'),
    async (onEvent) => assert.equal((await keepsOne.upgrade({ onEvent })).outcome, 'upgraded'),
  )
  assert.deepEqual(codes, ['BACKUPS_NOT_PRUNED'])
  assert.ok((await state.backups.list()).length >= before)
  await state.backups.prune({ keep: 1 })
  assert.equal((await state.backups.list()).length, 1)
  assert.deepEqual(await state.backups.verify(), [])
})

test('[A13] LEFTOVERS: what a restore had staged and cannot delete does not fail it, and goes with the next run', async (t) => {
  const { root, state } = oldState(t)
  const before = contentOf(root)
  const { id } = await state.backups.create()
  await state.upgrade()
  let isOver = false
  const codes = await warningsOf(
    (operation, path) => {
      // The staging folders go last, once the run's own folder is gone by its name
      if (operation === 'rename' && path === join(root, '.moult/run')) isOver = true
      return isOver && operation === 'rmdir'
    },
    (onEvent) => state.backups.restore(id, { onEvent }),
  )
  assert.deepEqual(codes, ['LEFTOVERS'])
  assert.deepEqual(contentOf(root), before)
  assert.equal((await state.upgrade()).outcome, 'upgraded')
})

test('[A13] NOT_EXAMINED: a restored state whose history cannot be read is restored all the same', async (t) => {
  const { root, state } = oldState(t)
  const before = contentOf(root)
  const { id } = await state.backups.create()
  await state.upgrade()
  let isOver = false
  const codes = await warningsOf(
    (operation, path) => {
      if (operation === 'rename' && path === join(root, '.moult/run')) isOver = true
      return isOver && operation === 'open' && path === join(root, '.moult/history.jsonl')
    },
    async (onEvent) => {
      const report = await state.backups.restore(id, { onEvent })
      assert.deepEqual([report.outcome, report.stores], ['restored', []])
    },
  )
  assert.deepEqual(codes, ['NOT_EXAMINED'])
  assert.deepEqual(contentOf(root), before)
})

test('[A13] [G8] a restore of data without markers is not done until the history says so: else its markers would count as lost', async (t) => {
  const { root, state } = oldState(t)
  const before = contentOf(root)
  const { id } = await state.backups.create()
  await state.upgrade()
  await warningsOf(
    (operation, path) => operation === 'open' && path === join(root, '.moult/history.jsonl'),
    async () => {
      await assert.rejects(state.backups.restore(id), (error) => isMoultError(error, 'UNFINISHED'))
      await assert.rejects(state.upgrade())
    },
  )
  await state.backups.prune({ keep: 100 })
  assert.deepEqual(contentOf(root), before)
  assert.equal((await state.upgrade()).outcome, 'upgraded')
})
