import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { defineState, record, records } from 'moult'
import type { State } from 'moult'
import { z } from 'zod'
import { refuses } from '../engine/small-state.js'
import { temporaryFolder } from '../support/footprint.js'

const reason = 'put back by hand'

describe('stamping records', () => {
  const One = z.object({ id: z.string() })
  const Two = z.object({ id: z.string(), name: z.string() })
  const make = (versionKey: 'v' | false): State => {
    const item =
      versionKey === false
        ? record('item', { versionKey })
            .version(1, One)
            .version(2, Two, { up: (value) => ({ ...value, name: value.id }) })
        : record('item', { versionKey, unversioned: 1 })
            .version(1, One)
            .version(2, Two, { up: (value) => ({ ...value, name: value.id }) })
    return defineState({ app: 'a', stores: [records('items', { path: 'items', files: '*.json', record: item })] })
  }

  it('[C9] records that say no version themselves: the stamp is what they are', async (t) => {
    const root = temporaryFolder(t)
    mkdirSync(join(root, 'items'))
    writeFileSync(join(root, 'items/a.json'), '{"id": "a", "name": "A"}')
    const state = make(false).in(root)
    await refuses(root, () => state.upgrade(), 'STORE_LEGACY', 4)
    await state.stamp('items@2', { reason })
    assert.equal((await state.upgrade()).outcome, 'up-to-date')
    assert.deepEqual((await state.verify()).problems, [])
    assert.equal(readFileSync(join(root, 'items/a.json'), 'utf8'), '{"id": "a", "name": "A"}')
  })

  it('[C9] [P22] records that do go on saying it: a wrong stamp is found by verify, and no record is misread', async (t) => {
    const root = temporaryFolder(t)
    mkdirSync(join(root, 'items'))
    writeFileSync(join(root, 'items/a.json'), '{"v": 1, "id": "a"}')
    const state = make('v').in(root)
    await state.stamp('items@2', { reason })
    assert.match((await state.verify()).problems[0]?.message ?? '', /a\.json is at version 1, and its store at 2/)
    // Without the marker the next upgrade looks for itself
    rmSync(join(root, 'items/.schema-version'))
    await state.upgrade()
    assert.match(readFileSync(join(root, 'items/a.json'), 'utf8'), /"v": 2.*"name": "a"/)
    assert.ok(existsSync(join(root, 'items/.schema-version')))
  })
})
