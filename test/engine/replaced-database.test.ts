import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { defineState, directory, isMoultError, sqlite } from 'moult'
import type { State } from 'moult'
import { replaceDisk } from '#moult/disk/disk.js'
import { temporaryFolder } from '../support/footprint.js'
import { openDatabase } from '../support/sqlite.js'

const notes = directory('notes', { path: 'notes' }).adopt('oldest')

/** One note moves into the database; `meddle` runs at the end of the step. */
function movingIn(meddle: () => void): State {
  const db = sqlite('db', { path: 'x.db' })
    .adopt('oldest')
    .step('in', {
      writes: { notes: notes.at(0) },
      async up({ db, stores }) {
        db.run('INSERT INTO t VALUES (?)', await stores.notes.text('a.md'))
        await stores.notes.delete('a.md')
        meddle()
      },
    })
  return defineState({ app: 'a', stores: [notes, db] })
}

function alone(meddle: () => void): State {
  const db = sqlite('db', { path: 'x.db' })
    .adopt('oldest')
    .step('in', {
      up({ db }) {
        db.run("INSERT INTO t VALUES ('a')")
        meddle()
      },
    })
  return defineState({ app: 'a', stores: [db] })
}

function makeOld(t: TestContext, mode: string): string {
  const root = temporaryFolder(t)
  mkdirSync(join(root, 'notes'))
  writeFileSync(join(root, 'notes/a.md'), 'the only copy')
  for (const name of ['x.db', 'other.db']) {
    const database = openDatabase(join(root, name))
    database.exec(`PRAGMA journal_mode = ${mode}; CREATE TABLE t(a); INSERT INTO t VALUES ('${name}')`)
    database.close()
  }
  return root
}

function rowsOf(path: string): unknown[] {
  const database = openDatabase(path)
  try {
    return database.all('SELECT a FROM t').map(({ a }) => a)
  } finally {
    database.close()
  }
}

async function failure(state: State, root: string, waitMs = 5000): Promise<unknown> {
  return state
    .in(root)
    .upgrade({ waitMs, backup: 'none' })
    .then(
      () => null,
      (error: unknown) => error,
    )
}

describe('[P16] a database that another program replaced during the run is STORE_CHANGED, and nothing is committed', () => {
  for (const mode of ['DELETE', 'WAL']) {
    it(`a copy was renamed over it, ${mode} mode, with files in the same commit`, async (t) => {
      const root = makeOld(t, mode)
      const error = await failure(
        movingIn(() => renameSync(join(root, 'other.db'), join(root, 'x.db'))),
        root,
      )
      assert.ok(isMoultError(error, 'STORE_CHANGED'), String(error))
      assert.match(error.message, /x\.db was replaced/)
      assert.equal(error.report?.outcome, 'put-back')
      assert.equal(readFileSync(join(root, 'notes/a.md'), 'utf8'), 'the only copy')
      assert.deepEqual(rowsOf(join(root, 'x.db')), ['other.db'])
      assert.deepEqual(readdirSync(root).sort(), ['.moult', 'notes', 'x.db'])
      assert.equal(
        (
          await movingIn(() => undefined)
            .in(root)
            .upgrade()
        ).outcome,
        'upgraded',
      )
    })

    it(`a copy was renamed over it, ${mode} mode, a database alone`, async (t) => {
      const root = makeOld(t, mode)
      const error = await failure(
        alone(() => renameSync(join(root, 'other.db'), join(root, 'x.db'))),
        root,
      )
      assert.ok(isMoultError(error, 'STORE_CHANGED'), String(error))
      assert.deepEqual(rowsOf(join(root, 'x.db')), ['other.db'])
    })
  }

  it('it was deleted', async (t) => {
    const root = makeOld(t, 'DELETE')
    const error = await failure(
      movingIn(() => unlinkSync(join(root, 'x.db'))),
      root,
    )
    assert.ok(isMoultError(error, 'STORE_CHANGED'), String(error))
    assert.match(error.message, /x\.db was removed/)
    assert.equal(readFileSync(join(root, 'notes/a.md'), 'utf8'), 'the only copy')
    assert.equal(existsSync(join(root, 'x.db')), false)
  })

  it('while a reader kept COMMIT waiting', async (t) => {
    const root = makeOld(t, 'DELETE')
    const reader = openDatabase(join(root, 'x.db'))
    reader.exec('BEGIN; SELECT * FROM t')
    const run = failure(
      movingIn(() => undefined),
      root,
    )
    while (existsSync(join(root, 'notes/a.md'))) await new Promise((resolve) => setTimeout(resolve, 5))
    renameSync(join(root, 'other.db'), join(root, 'x.db'))
    reader.exec('COMMIT')
    const error = await run
    reader.close()
    assert.ok(isMoultError(error, 'STORE_CHANGED'), String(error))
    assert.equal(error.report?.outcome, 'put-back')
    assert.equal(readFileSync(join(root, 'notes/a.md'), 'utf8'), 'the only copy')
    assert.deepEqual(rowsOf(join(root, 'x.db')), ['other.db'])
  })

  it('in the very moment of its COMMIT: UNFINISHED, and the next start sees that the commit is not there', async (t) => {
    const root = makeOld(t, 'DELETE')
    let looks = 0
    const restore = replaceDisk((real) => ({
      ...real,
      stat: (path) => {
        const stats = real.stat(path)
        const isLastLook = path === join(root, 'x.db') && !existsSync(join(root, 'notes/a.md')) && (looks += 1) === 1
        // After the look before COMMIT, as far as the run can tell
        if (isLastLook) renameSync(join(root, 'other.db'), join(root, 'x.db'))
        return stats
      },
    }))
    const error = await failure(
      movingIn(() => undefined),
      root,
    ).finally(restore)
    assert.equal(looks >= 2, true)
    assert.ok(isMoultError(error, 'UNFINISHED'), String(error))
    assert.equal(existsSync(join(root, '.moult/run')), true)
    const next = await movingIn(() => undefined)
      .in(root)
      .upgrade()
    assert.deepEqual([next.recovered, next.outcome], ['back', 'upgraded'])
    assert.deepEqual(rowsOf(join(root, 'x.db')), ['other.db', 'the only copy'])
  })
})
