import assert from 'node:assert/strict'
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { openDatabase } from '../support/sqlite.js'
import { temporaryFolder } from '../support/footprint.js'
import { reason, refusesStamp, upgradedRoot, whole } from './stamped-state.js'
import { refuses } from './small-state.js'

describe('stamping stores that a step wrote together', () => {
  it('[P20] [G8] whichever of the two lost its marker, it takes over what the other remembers', async (t) => {
    for (const lost of ['notes', 'log'] as const) {
      const root = await upgradedRoot(t)
      const state = whole.in(root)
      if (lost === 'notes') rmSync(join(root, 'notes/.schema-version'))
      else {
        const db = openDatabase(join(root, 'log.db'))
        db.exec('DROP TABLE moult_steps; DROP TABLE moult_commit')
        db.close()
      }
      await state.stamp(lost === 'notes' ? ['notes@sign', 'notes/acme@tag'] : 'log@count', { reason })
      assert.deepEqual((await state.status()).problems, [], lost)
      assert.equal((await state.upgrade()).outcome, 'up-to-date')
      // They still know of each other: an old copy of either is noticed
      const { steps, touches } = JSON.parse(readFileSync(join(root, 'notes/.schema-version'), 'utf8')) as {
        steps: object[]
        touches: { by: string }[]
      }
      assert.deepEqual(
        touches.map(({ by }) => by),
        ['log/take'],
      )
      assert.equal(steps.length, 3)
      writeFileSync(
        join(root, 'notes/.schema-version'),
        readFileSync(join(root, 'notes/.schema-version'), 'utf8').replace(/"touches": \[[^\]]*\]/, '"touches": []'),
      )
      await refuses(root, () => state.upgrade(), 'STORE_DIVERGED', 4, /do not belong together/)
      assert.equal((await state.stamp('notes@sign', { reason: 'they do' })).outcome, 'stamped')
      assert.equal((await state.upgrade()).outcome, 'up-to-date')
      assert.equal((await state.history()).at(-1)?.reason, 'they do')
    }
  })

  it('[P20] a stamp before what the other remembers is refused: the step would write it a second time', async (t) => {
    const root = await upgradedRoot(t)
    const copy = join(temporaryFolder(t), 'copy')
    cpSync(root, copy, { recursive: true, preserveTimestamps: true })
    const db = openDatabase(join(root, 'log.db'))
    db.exec('DROP TABLE moult_steps; DROP TABLE moult_commit')
    db.close()
    await refusesStamp(root, whole, 'log@create', 'STORE_DIVERGED', /'log' and 'notes' would contradict each other/)
    rmSync(join(copy, 'notes/.schema-version'))
    await refusesStamp(
      copy,
      whole,
      ['notes@0', 'notes/acme@0'],
      'STORE_DIVERGED',
      /log\/take has written 'notes' at version 1/,
    )
  })
})
