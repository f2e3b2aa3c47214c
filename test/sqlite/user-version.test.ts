import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { defineState, sqlite } from 'moult'
import type { RunReport } from 'moult'
import { put } from '../disk/tree.js'
import { fails } from '../records/state.js'
import { temporaryFolder } from '../support/footprint.js'
import { openDatabase } from '../support/sqlite.js'

/** An app that had counted to 7 with statements of its own before it took moult. */
const base = 'CREATE TABLE notes (id INTEGER PRIMARY KEY, title TEXT)'
const store = sqlite('notes', { path: 'notes.db', userVersion: 6 })
  .step('base', { up: base })
  .step('body', { up: "ALTER TABLE notes ADD COLUMN body TEXT NOT NULL DEFAULT ''" })
  .adopt({ at: 'base' })

function rootWith(t: TestContext, userVersion: number | null): string {
  const root = temporaryFolder(t)
  put(root, {})
  if (userVersion === null) return root
  const db = openDatabase(join(root, 'notes.db'))
  db.exec(`${base}; INSERT INTO notes VALUES (1, 'first'); PRAGMA user_version = ${userVersion}`)
  db.close()
  return root
}

function userVersionIn(root: string): unknown {
  const db = openDatabase(join(root, 'notes.db'))
  const [row] = db.all('PRAGMA user_version')
  db.close()
  return row?.['user_version']
}

const upgrade = (root: string, target?: 'notes@base'): Promise<RunReport> =>
  defineState({ app: 'notes', stores: [store] })
    .in(root)
    .upgrade(target === undefined ? {} : { target })

test('[W5] an app that counted in user_version before goes on counting from there', async (t) => {
  const old = rootWith(t, 7)
  assert.deepEqual(
    (await upgrade(old)).steps.map(({ step }) => step),
    ['body'],
  )
  assert.equal(userVersionIn(old), 8)
  assert.equal((await upgrade(old)).outcome, 'up-to-date')

  const fresh = rootWith(t, null)
  await upgrade(fresh, 'notes@base')
  assert.equal(userVersionIn(fresh), 7)
  await upgrade(fresh)
  assert.equal(userVersionIn(fresh), 8)
})

test('[W5] data of another count than the one stated is not adopted', async (t) => {
  await assert.rejects(upgrade(rootWith(t, 5)), fails('STORE_LEGACY', /its user_version is 5, not 7/))
  await assert.rejects(upgrade(rootWith(t, 0)), fails('STORE_LEGACY', /its user_version is 0, not 7/))
})

test('[W5] a count that another program moved is not taken for moult’s', async (t) => {
  const root = rootWith(t, 7)
  await upgrade(root)
  const db = openDatabase(join(root, 'notes.db'))
  db.exec('PRAGMA user_version = 2')
  db.close()
  await assert.rejects(upgrade(root), fails('MARKER_UNREADABLE', /its user_version is 2, but its marker says 8/))
})

test('[W5] user_version never goes down: older releases would take the data for older than it is', () => {
  const steps = (userVersion: boolean | number) =>
    sqlite('notes', { path: 'notes.db', userVersion }).step('base', { up: base })
  assert.throws(
    () => steps(true).adopt({ at: 'base', userVersion: 7 }),
    /would go down from 7 to 1.*say userVersion: 6$/,
  )
  assert.throws(() => steps(5).adopt({ at: 'base', userVersion: 7 }), /would go down from 7 to 6.*say userVersion: 6$/)
  steps(6).adopt({ at: 'base', userVersion: 7 })
  steps(false).adopt({ at: 'base', userVersion: 7 })
  for (const wrong of [-1, 1.5, NaN, 2 ** 31, '6', null])
    assert.throws(() => steps(wrong as never), /'userVersion' is true, false, or how much/)
})

test('[W1] userVersion given to a store that has shipped: nobody is locked out, and the next step stamps it', async (t) => {
  for (const userVersion of [true, 6]) {
    const root = rootWith(t, null)
    const shipped = sqlite('notes', { path: 'notes.db' }).step('base', { up: base })
    await defineState({ app: 'notes', root, stores: [shipped] }).upgrade()
    const stamped = sqlite('notes', { path: 'notes.db', userVersion }).step('base', { up: base })
    assert.equal((await defineState({ app: 'notes', root, stores: [stamped] }).upgrade()).outcome, 'up-to-date')
    const next = stamped.step('next', { up: 'CREATE TABLE next(x)' })
    assert.equal((await defineState({ app: 'notes', root, stores: [next] }).upgrade()).outcome, 'upgraded')
    assert.equal(userVersionIn(root), userVersion === true ? 2 : 8)
    assert.deepEqual((await defineState({ app: 'notes', root, stores: [next] }).verify()).problems, [])
  }
})
