import assert from 'node:assert/strict'
import { cpSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { defineState, isMoultError, sqlite } from 'moult'
import type { State, Store } from 'moult'
import type { ErrorCode } from '#moult/model/errors.js'
import { footprint, temporaryFolder } from '../support/footprint.js'
import { openDatabase } from '../support/sqlite.js'
import { items, notes, index, base, oldState, refusesBoth } from './small-state.js'

describe('[G3] a run that fails puts everything back', () => {
  const failing: readonly [string, State, ErrorCode, RegExp][] = [
    [
      'a step that throws',
      base.add(
        sqlite('z', { path: 'z.db' }).step('boom', {
          up() {
            throw new Error('boom')
          },
          dependsOn: [index.at('seed'), notes.at('flatten'), items.at(2)],
        }),
      ),
      'STEP_FAILED',
      /z\/boom failed: boom/,
    ],
    [
      'a validate that says no',
      withIndex(
        index.step('check', {
          up: 'SELECT 1',
          validate: ({ db }) => db.number('SELECT count(*) FROM entry') === 3 || 'there should be 3 entries',
        }),
      ),
      'VALIDATION_FAILED',
      /there should be 3 entries/,
    ],
    [
      'a broken foreign key',
      withIndex(index.step('orphan', { up: 'DELETE FROM entry WHERE id = 1' })),
      'FOREIGN_KEYS_BROKEN',
      /1 rows that point/,
    ],
    ['SQL that is wrong', withIndex(index.step('wrong', { up: 'SELEKT 1' })), 'STEP_FAILED', /index\/wrong/],
    [
      "a step that ends moult's transaction",
      withIndex(index.step('commit', { up: 'INSERT INTO entry VALUES (3, NULL, NULL); COMMIT' })),
      'STATEMENT_REFUSED',
      /COMMIT/,
    ],
    [
      'a step that loses the transaction',
      withIndex(
        index.step('lose', {
          up({ db }) {
            try {
              db.run("INSERT OR ROLLBACK INTO entry VALUES (1, NULL, 'again')")
            } catch {}
          },
        }),
      ),
      'TRANSACTION_LOST',
      /index/,
    ],
    [
      'a directory step that throws after it moved files',
      defineState({
        app: 'agent',
        stores: [
          items,
          index,
          notes.step('boom', {
            async up({ files }) {
              for await (const file of files.glob('*.md')) await files.delete(file)
              throw new Error('late')
            },
          }),
        ],
      }),
      'STEP_FAILED',
      /late/,
    ],
  ]
  for (const [what, state, code, message] of failing) {
    it(`[G3] ${what}: files, databases and folders are as before`, async (t) => {
      const root = oldState(t)
      await refusesBoth(root, state, code, 7, message)
      assert.equal(
        (await state.in(root).history()).filter(({ result }) => result === 'failed').length,
        2,
        'the history has both tries',
      )
      assert.equal((await base.in(root).upgrade()).outcome, 'upgraded')
    })
  }

  for (const mode of ['DELETE', 'WAL', 'WAL, cut off with rows in its log'] as const) {
    it(`[G3] a large transaction on a database in mode ${mode} is rolled back byte for byte`, async (t) => {
      const root = oldState(t)
      await base.in(root).upgrade()
      const file = join(root, 'index.db')
      const db = openDatabase(file)
      if (mode !== 'DELETE') db.exec('PRAGMA journal_mode = WAL')
      db.exec("INSERT INTO entry VALUES (3, 1, 'one more')")
      const crashed = temporaryFolder(t)
      if (mode === 'WAL, cut off with rows in its log')
        for (const suffix of ['', '-wal', '-shm']) cpSync(file + suffix, join(crashed, `index.db${suffix}`))
      db.close()
      if (existsSync(join(crashed, 'index.db'))) cpSync(crashed, root, { recursive: true })
      const failingState = withIndex(
        index.step('boom', {
          up({ db: writer }) {
            // More than the page cache of either library holds: what spills has been in the file
            for (let n = 10; n < 10_000; n++) writer.run('INSERT INTO entry VALUES (?, 1, ?)', n, 'x'.repeat(2500))
            throw new Error('boom')
          },
        }),
      )
      // Bytes and mode are promised of a database, its mtime is not: SQLite's rollback wrote the pages back
      const without = (prints: Readonly<Record<string, string>>) => ({
        ...prints,
        'index.db': prints['index.db']?.replace(/ \d+ /, ' '),
        'index.db-shm': '',
      })
      const before = without(footprint(root))
      await assert.rejects(failingState.in(root).upgrade(), { code: 'STEP_FAILED' })
      assert.deepEqual(without(footprint(root)), before)
      const after = openDatabase(file)
      assert.deepEqual(after.all('SELECT count(*) AS n FROM entry'), [{ n: 3 }])
      after.close()
    })
  }

  it('[G3] a journal that a crash left is SQLite’s to roll back, and one that is kept may go: the rows are as before', async (t) => {
    for (const kind of ['left by a crash', 'persist', 'truncate'] as const) {
      const root = oldState(t)
      await base.in(root).upgrade()
      const file = join(root, 'index.db')
      const db = openDatabase(file)
      if (kind !== 'left by a crash') db.exec(`PRAGMA journal_mode = ${kind}`)
      db.exec("INSERT INTO entry VALUES (3, 1, 'one more')")
      const before = readFileSync(file)
      if (kind === 'left by a crash') {
        const many = 'WITH n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 500)'
        db.exec(`PRAGMA cache_size = 2; BEGIN; ${many} INSERT INTO entry SELECT i, 1, hex(zeroblob(1000)) FROM n`)
        const crashed = temporaryFolder(t)
        for (const suffix of ['', '-journal']) cpSync(file + suffix, join(crashed, `index.db${suffix}`))
        db.exec('ROLLBACK')
        db.close()
        cpSync(crashed, root, { recursive: true })
        assert.notDeepEqual(readFileSync(file), before, 'the file is half of a transaction')
      } else db.close()
      const boom = index.step('boom', {
        up({ db: writer }) {
          writer.run("INSERT INTO entry VALUES (4, 1, 'x')")
          throw new Error('boom')
        },
      })
      await assert.rejects(withIndex(boom).in(root).upgrade(), { code: 'STEP_FAILED' })
      assert.deepEqual(readFileSync(file), before, kind)
      assert.equal(existsSync(`${file}-journal`), false, kind)
    }
  })

  function withIndex(store: Store): State {
    return defineState({ app: 'agent', appVersion: '2.4.0', stores: [items, notes, store] })
  }

  it('[G3] an interrupted run says so and puts everything back', async (t) => {
    const root = oldState(t)
    const controller = new AbortController()
    const state = withIndex(
      index.step('slow', {
        async up() {
          controller.abort()
          await new Promise((resolve) => setTimeout(resolve, 5))
        },
      }),
    )
    const before = footprint(root)
    const error = await state
      .in(root)
      .upgrade({ signal: controller.signal })
      .catch((thrown: unknown) => thrown)
    assert.ok(isMoultError(error, 'INTERRUPTED'), String(error))
    assert.deepEqual(footprint(root), before)
  })
})
