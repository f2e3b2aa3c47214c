import assert from 'node:assert/strict'
import { cpSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { defineState, directory, isMoultError, record, records, sqlite } from 'moult'
import type { State, Store } from 'moult'
import { errorTable } from '#moult/model/errors.js'
import type { ErrorCode } from '#moult/model/errors.js'
import { z } from 'zod'
import { footprint, temporaryFolder } from '../support/footprint.js'
import { openDatabase } from '../support/sqlite.js'

const One = z.object({ id: z.string() })
const Two = z.object({ id: z.string(), name: z.string() })
const Item = record('item', { versionKey: 'v', unversioned: 1 })
  .version(1, One)
  .version(2, Two, { up: (value) => ({ ...value, name: value.id }) })

const items = records('items', { path: 'items', files: '*.json', record: Item })
const notes = directory('notes', { path: 'notes' })
  .step('flatten', {
    async up({ files }) {
      for await (const file of files.glob('old/*.md')) await files.move(file, file.slice(4))
    },
  })
  .adopt('oldest')
const index = sqlite('index', { path: 'index.db' })
  .step('create', { up: 'CREATE TABLE entry(id INTEGER PRIMARY KEY, parent INTEGER REFERENCES entry(id), text TEXT)' })
  .step('seed', { up: "INSERT INTO entry VALUES (1, NULL, 'root'), (2, 1, 'leaf')" })

const base = defineState({ app: 'agent', appVersion: '2.4.0', stores: [items, notes, index] })

/** A state of an old release: records at version 1, a folder from before moult, and no database yet. */
function oldState(t: TestContext): string {
  const root = temporaryFolder(t)
  mkdirSync(join(root, 'items'))
  mkdirSync(join(root, 'notes/old'), { recursive: true })
  for (let n = 0; n < 5; n++) writeFileSync(join(root, `items/${n}.json`), `{ "v": 1, "id": "i${n}" }\n`)
  for (let n = 0; n < 5; n++) writeFileSync(join(root, `notes/old/n${n}.md`), `note ${n}\n`)
  return root
}

/** The call fails with this code, says what to do, and leaves every path of the state with its bytes, mode and mtime. */
async function refuses(
  root: string,
  call: () => Promise<unknown>,
  code: ErrorCode,
  exit: number,
  message?: RegExp,
): Promise<void> {
  const before = footprint(root)
  const hadHome = existsSync(join(root, '.moult'))
  const error = await call().then(
    () => assert.fail(`expected ${code}`),
    (thrown: unknown) => thrown,
  )
  assert.ok(isMoultError(error), `a MoultError: ${String(error)}`)
  assert.equal(error.code, code, error.message)
  assert.equal(errorTable[error.code].exit, exit)
  assert.ok(error.hint.length > 10, 'a hint')
  if (message) assert.match(error.message, message)
  assert.deepEqual(footprint(root), before)
  if (exit === 4) assert.equal(existsSync(join(root, '.moult')), hadHome, 'a refusal creates nothing, not even .moult')
  assert.equal(existsSync(join(root, '.moult/run')), false)
  assert.equal(error.report?.outcome, exit === 4 ? 'refused' : 'put-back')
}

/** Both ways to begin: the start-up call and the command. */
async function refusesBoth(root: string, state: State, code: ErrorCode, exit: number, message?: RegExp): Promise<void> {
  await refuses(root, () => state.in(root).upgrade(), code, exit, message)
  await refuses(root, () => state.in(root).open(), code, exit, message)
}

describe('[G2] refusals leave every path as it was', () => {
  const markers: readonly [string, string, RegExp][] = [
    ['corrupt', '{"moult":1,"store":"notes","ver', /not valid JSON/],
    ['empty', '', /empty/],
    ['foreign', '{"version":"3.1"}', /not written by moult/],
    ["another store's", '{"moult":1,"store":"other","version":0,"floor":0,"steps":[],"touches":[],"left":[]}', /other/],
    ['of a later format', '{"moult":2,"store":"notes"}', /format is 2/],
  ]
  for (const [what, text, message] of markers) {
    it(`[G8] [R5] a marker that is ${what}`, async (t) => {
      const root = oldState(t)
      writeFileSync(join(root, 'notes/.schema-version'), text)
      await refusesBoth(root, base, 'MARKER_UNREADABLE', 4, message)
    })
  }

  it('[G8] a marker that was lost', async (t) => {
    const root = oldState(t)
    await base.in(root).upgrade()
    rmSync(join(root, 'notes/.schema-version'))
    await refusesBoth(root, base, 'MARKER_LOST', 4, /'notes'/)
  })

  it('[G8] a missing directory, and a missing database', async (t) => {
    const root = oldState(t)
    await base.in(root).upgrade()
    rmSync(join(root, 'notes'), { recursive: true })
    await refusesBoth(root, base, 'STORE_MISSING', 4, /'notes'/)
    mkdirSync(join(root, 'notes'))
    rmSync(join(root, 'index.db'))
    await refusesBoth(root, base, 'STORE_MISSING', 4, /'index'/)
  })

  it('[G8] data without a marker that nobody declared', async (t) => {
    const root = oldState(t)
    const undeclared = directory('notes', { path: 'notes' }).step('flatten', { up() {} })
    await refusesBoth(
      root,
      defineState({ app: 'agent', stores: [items, undeclared, index] }),
      'STORE_LEGACY',
      4,
      /'notes'/,
    )
  })

  it('[G6] newer data above the floor', async (t) => {
    const root = oldState(t)
    const newer = defineState({
      app: 'agent',
      appVersion: '2.6.0',
      stores: [items, notes.step('tags', { up() {} }), index],
    })
    await newer.in(root).upgrade()
    await refusesBoth(root, base, 'STORE_NEWER', 4, /agent 2\.6\.0; this is agent 2\.4\.0/)
  })

  it('[W5] a history that diverged', async (t) => {
    const root = oldState(t)
    const branch = defineState({ app: 'agent', stores: [items, notes, index.step('left', { up: 'SELECT 1' })] })
    await branch.in(root).upgrade()
    await refusesBoth(
      root,
      defineState({ app: 'agent', stores: [items, notes, index.step('right', { up: 'SELECT 1' })] }),
      'STORE_DIVERGED',
      4,
      /'left' at place 3/,
    )
  })

  it('[A5] a step that was edited after it ran', async (t) => {
    const root = oldState(t)
    await base.in(root).upgrade()
    const edited = sqlite('index', { path: 'index.db' })
      .step('create', { up: 'CREATE TABLE entry(id)' })
      .step('seed', { up: 'SELECT 1' })
    await refusesBoth(
      root,
      defineState({ app: 'agent', stores: [items, notes, edited] }),
      'STORE_EDITED',
      4,
      /index\/create/,
    )
  })

  it('[W2] data from before a squash', async (t) => {
    const root = oldState(t)
    await defineState({
      app: 'agent',
      stores: [items, notes, sqlite('index', { path: 'index.db' }).step('create', { up: 'CREATE TABLE entry(id)' })],
    })
      .in(root)
      .upgrade()
    const squashed = sqlite('index', { path: 'index.db' }).flat('CREATE TABLE entry(id)', {
      replaces: ['create', 'seed'],
      lastIn: '2.3.0',
    })
    await refusesBoth(root, defineState({ app: 'agent', stores: [items, notes, squashed] }), 'STORE_TOO_OLD', 4)
  })

  it('[G8] a database that is not one, and one whose marker table belongs to another tool', async (t) => {
    const root = oldState(t)
    writeFileSync(join(root, 'index.db'), 'this is no database, but it is long enough to have been one '.repeat(20))
    await refusesBoth(root, base, 'STORE_UNREADABLE', 4, /'index'/)
    rmSync(join(root, 'index.db'))
    const db = openDatabase(join(root, 'index.db'))
    db.exec('CREATE TABLE schema_migrations(version TEXT PRIMARY KEY)')
    db.close()
    const shared = sqlite('index', { path: 'index.db', table: 'schema_migrations' }).step('create', { up: 'SELECT 1' })
    await refusesBoth(
      root,
      defineState({ app: 'agent', stores: [items, notes, shared] }),
      'MARKER_UNREADABLE',
      4,
      /not moult's.*Rails/,
    )
  })

  it('[W1] a database whose user_version somebody else changed', async (t) => {
    const root = oldState(t)
    const stamped = defineState({
      app: 'agent',
      stores: [sqlite('index', { path: 'index.db', userVersion: true }).step('create', { up: 'CREATE TABLE a(x)' })],
    })
    await stamped.in(root).upgrade()
    const db = openDatabase(join(root, 'index.db'))
    assert.deepEqual(db.all('PRAGMA user_version'), [{ user_version: 1 }])
    db.exec('PRAGMA user_version = 7')
    db.close()
    await refusesBoth(root, stamped, 'MARKER_UNREADABLE', 4, /user_version is 7, but its marker says 1/)
  })

  it('[G2] a file that two stores claim by their patterns', async (t) => {
    const root = oldState(t)
    const greedy = directory('greedy', { path: 'notes', files: 'old/n1*', marker: '.greedy' })
      .step('x', { up() {} })
      .adopt('oldest')
    const before = { ...footprint(root), '.': '' }
    const error = await base
      .add(greedy)
      .in(root)
      .upgrade()
      .catch((thrown: unknown) => thrown)
    assert.ok(isMoultError(error, 'CLAIMED_TWICE'), String(error))
    assert.match(error.message, /'notes' and 'greedy' both claim notes\/old\/n1\.md/)
    assert.deepEqual({ ...footprint(root), '.': '' }, before)
  })

  it('[G8] an option of a call that is mistyped, or a value that it cannot have, before anything is looked at', async (t) => {
    const root = oldState(t)
    const before = footprint(root)
    const state = base.in(root)
    for (const options of [{ onPendin: 'refuse' }, { onPending: 'refused' }, { access: 'raed' }, { waitMs: '5' }, { signal: true }]) {
      await assert.rejects(state.open(options as never), TypeError)
    }
    await assert.rejects(state.upgrade({ targets: 'index@1' } as never), /unknown option 'targets'; known are target/)
    await assert.rejects(state.status({ uncliamed: true } as never), TypeError)
    assert.deepEqual(footprint(root), before)
    assert.equal(existsSync(join(root, '.moult')), false)
  })

  it('[G8] a directory where one file of records was declared', async (t) => {
    const root = oldState(t)
    const forgotten = records('items', { path: 'items', record: Item })
    await refusesBoth(root, defineState({ app: 'agent', stores: [forgotten, notes, index] }), 'STORE_UNREADABLE', 4, /it is a directory/)
  })

  it('[G2] a store that leads out of the root through a symlink', async (t) => {
    const root = oldState(t)
    const elsewhere = temporaryFolder(t)
    rmSync(join(root, 'notes'), { recursive: true })
    symlinkSync(elsewhere, join(root, 'notes'))
    const before = footprint(root)
    await assert.rejects(base.in(root).upgrade(), { code: 'OUTSIDE_ROOT' })
    assert.deepEqual(footprint(root), before)
  })

  it('[R3] a state that is behind, for a program that may not upgrade it', async (t) => {
    const root = oldState(t)
    await refuses(root, () => base.in(root).open({ onPending: 'refuse' }), 'UPGRADE_PENDING', 3).catch(
      (error: unknown) => {
        // Not a refusal of the state but of this program: `.moult/` may be there for its lock
        if (!(error instanceof assert.AssertionError)) throw error
      },
    )
    const before = footprint(root)
    await assert.rejects(base.in(root).open({ onPending: 'refuse' }), { code: 'UPGRADE_PENDING' })
    await assert.rejects(base.in(root).open({ access: 'read' }), { code: 'UPGRADE_PENDING' })
    assert.deepEqual({ ...footprint(root), '.': '' }, { ...before, '.': '' })
  })
})

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
