import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { defineState, sqlite } from 'moult'
import type { Store } from 'moult'
import { runCli } from 'moult/cli'
import * as example from '../../examples/clankers/index.js'
import { clankers } from '../../examples/clankers/state.js'
import { readTables } from '../../examples/read-tables.js'
import { footprint, temporaryFolder } from '../support/footprint.js'
import { openDatabase } from '../support/sqlite.js'
import { checkFullUpgrade, checkRefused, checkUntouched, execute, oldState } from './upgrade-check.js'

const { state } = example

function markerOf(root: string): readonly (readonly unknown[])[] {
  const sql = 'SELECT version, name, arrival FROM schema_migrations ORDER BY version'
  return readTables(join(root, 'clankers.db'), { rows: sql }).rows.map((row) => Object.values(row))
}

function stateOf(store: Store): typeof state {
  return defineState({ app: 'clankers', appVersion: '0.9.1', stores: [store] })
}

describe('Clankers: a daemon with one SQLite file', () => {
  it('[K2] [K3] an old database is upgraded: every row is as it must be, and a second upgrade changes nothing', async (t) => {
    const { root } = await checkFullUpgrade(t, example)
    const { sessions, messages, tools } = example.readContent(root)
    assert.deepEqual([sessions.length > 50, messages.length > 1000, tools.length > 400], [true, true, true])
    assert.deepEqual([Object.keys(sessions[0] ?? {}).length, Object.keys(messages[0] ?? {}).length], [17, 11])
    assert.ok(tools.some(({ id }) => String(id).startsWith('file:')))
    // The daemon's mode of journalling is its own affair
    const { mode } = readTables(join(root, 'clankers.db'), { mode: 'PRAGMA journal_mode' })
    assert.deepEqual(mode, [{ journal_mode: 'wal' }])
  })

  it('[W2] a fresh database has the same tables and indexes as an old one that was upgraded', async (t) => {
    const [root, old] = [temporaryFolder(t), oldState(t, example)]
    await state.in(root).upgrade()
    await state.in(old).upgrade()
    const schemaOf = (folder: string): unknown =>
      readTables(join(folder, 'clankers.db'), {
        rows: 'SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name',
      }).rows.map(({ sql, ...row }) => ({ ...row, sql: String(sql).replaceAll(/\s+/g, '') }))
    assert.deepEqual(schemaOf(root), schemaOf(old))
    assert.deepEqual(
      markerOf(root).map(([, , arrival]) => arrival),
      Array.from({ length: 10 }, () => 'step'),
    )
  })
})

describe('[K1] the marker', () => {
  it('[K1] is schema_migrations, and begins with version, applied_at, checksum, description', async (t) => {
    const root = oldState(t, example)
    const before = Math.floor(Date.now() / 1000)
    await state.in(root).upgrade()
    const { columns, rows } = readTables(join(root, 'clankers.db'), {
      columns: "SELECT name FROM pragma_table_info('schema_migrations') ORDER BY cid LIMIT 4",
      rows: 'SELECT version, applied_at, checksum, description FROM schema_migrations ORDER BY version',
    })
    assert.deepEqual(
      columns.map(({ name }) => name),
      ['version', 'applied_at', 'checksum', 'description'],
    )
    assert.deepEqual(
      rows.map(({ version }) => version),
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    )
    assert.equal(rows[1]?.['description'], 'Add tools table')
    for (const { version, applied_at, checksum } of rows) {
      assert.ok(Number(applied_at) >= before && Number(applied_at) <= Date.now() / 1000 + 1)
      // The first three were there already: what made them is not known, so there is nothing to compare
      if (Number(version) <= 3) assert.equal(checksum, null)
      else assert.match(String(checksum), /^sha256:[0-9a-f]{64}$/)
    }
    assert.deepEqual(
      markerOf(root).map(([, , arrival]) => arrival),
      [...Array.from({ length: 3 }, () => 'adopted'), ...Array.from({ length: 7 }, () => 'step')],
    )
    assert.ok(
      !readTables(join(root, 'clankers.db'), { rows: "SELECT 1 FROM sqlite_schema WHERE name = 'moult_steps'" }).rows
        .length,
    )
  })

  it("[K1] another tool's schema_migrations is refused, and named", async (t) => {
    const root = oldState(t, example)
    execute(join(root, 'clankers.db'), 'CREATE TABLE schema_migrations(version TEXT PRIMARY KEY)')
    await checkRefused(root, () => state.in(root).upgrade(), 'MARKER_UNREADABLE', /schema_migrations.*not moult's/)
  })
})

describe('[K2] each step in a transaction with its record', () => {
  it('[K2] a step that fails takes its record with it, and the steps before it in the same run', async (t) => {
    const root = oldState(t, example)
    const broken = stateOf(
      clankers.step('broken', { up: 'UPDATE sessions SET cost = 0; INSERT INTO nowhere VALUES (1)' }),
    )
    await checkRefused(root, () => broken.in(root).upgrade(), 'STEP_FAILED', /clankers\/broken failed: .*nowhere/)
    assert.deepEqual((await state.in(root).upgrade()).outcome, 'upgraded')
  })

  it('[K2] the version is read under the write lock: who waited for another writer sees what that one did', async (t) => {
    const root = oldState(t, example)
    const path = join(root, 'clankers.db')
    await state.in(root).upgrade({ target: clankers.at('permission-mode') })

    // A daemon that doesn't take moult's lock holds the database and is about to commit the seventh step
    let other: ReturnType<typeof openDatabase> | undefined
    const begun = async (): Promise<void> => {
      other = openDatabase(path)
      other.exec('BEGIN IMMEDIATE')
      other.exec(String(clankers['~store'].lane.steps[6]?.up))
      other.exec(`INSERT INTO schema_migrations
        SELECT 7, applied_at, NULL, NULL, track, 'session-errors', additive, app_version, arrival, commit_id, wrote, NULL
        FROM schema_migrations WHERE version = 6`)
      await sleep(150)
      other.exec('COMMIT')
      other.close()
    }
    let writing: Promise<void> | undefined
    const planned: number[] = []
    const upgrade = state.in(root).upgrade({
      onEvent: (event) => {
        if (event.type !== 'planned') return
        planned.push(event.steps)
        writing = begun()
      },
    })
    await assert.rejects(upgrade, { code: 'STORE_CHANGED' })
    await writing
    assert.deepEqual(planned, [4])
    assert.deepEqual(markerOf(root).at(-1), [7, 'session-errors', 'step'])
    assert.equal(readTables(path, { rows: 'SELECT * FROM session_errors' }).rows.length, 0)

    // The next start goes on from there: the seventh step, which would fail now, is not run again
    const report = await state.in(root).upgrade()
    assert.deepEqual(
      report.steps.map(({ step }) => step),
      ['compaction-events', 'merge-file-operations', 'session-totals'],
    )
    assert.equal(markerOf(root).length, 10)
  })

  it('[K2] a writer that rolls back changes nothing: the run waits for it and then does all its steps', async (t) => {
    const root = oldState(t, example)
    let writing: Promise<void> | undefined
    const hold = async (): Promise<void> => {
      const other = openDatabase(join(root, 'clankers.db'))
      other.exec('BEGIN IMMEDIATE; DELETE FROM sessions')
      await sleep(150)
      other.exec('ROLLBACK')
      other.close()
    }
    const { steps } = await state.in(root).upgrade({
      onEvent: (event) => {
        if (event.type === 'planned') writing = hold()
      },
    })
    await writing
    assert.equal(steps.length, 7)
    assert.ok(example.readContent(root).sessions.length > 50)
  })
})

describe('[K3] [K5] running again', () => {
  it('[K3] ten upgrades and starts after the first find nothing to do and change nothing', async (t) => {
    const root = oldState(t, example)
    await state.in(root).upgrade()
    const before = footprint(root)
    for (let n = 0; n < 5; n++) {
      assert.equal((await state.in(root).upgrade()).outcome, 'up-to-date')
      const held = await state.in(root).open()
      assert.equal(held.report.outcome, 'up-to-date')
      await held.close()
    }
    checkUntouched(root, before)
  })

  /** The same list of steps, from a checkout that changed their text. */
  function withText(change: (sql: string) => string): Store {
    const base = sqlite('clankers', { path: 'clankers.db', table: 'schema_migrations' })
    return clankers['~store'].lane.steps.reduce<ReturnType<typeof base.steps>>(
      (store, { name, up }) => store.step(name, { up: change(String(up)) }),
      base as unknown as ReturnType<typeof base.steps>,
    )
  }

  it('[K5] a checkout with CRLF is the same; a step edited after it ran is refused by name', async (t) => {
    const root = oldState(t, example)
    await state.in(root).upgrade()
    const crlf = stateOf(withText((sql) => sql.replaceAll('\n', '\r\n')))
    assert.equal((await crlf.in(root).upgrade()).outcome, 'up-to-date')
    const edited = stateOf(withText((sql) => sql.replace("'file.'", "'f.'")))
    await checkRefused(root, () => edited.in(root).upgrade(), 'STORE_EDITED', /clankers\/merge-file-operations/)
  })
})

describe('[K4] up, and an optional way back', () => {
  it("[K4] both are SQL text; 'impossible' says that there is no way back, and nothing else is taken", () => {
    const steps = clankers['~store'].lane.steps
    assert.equal(steps.length, 10)
    assert.ok(steps.every(({ up, down }) => typeof up === 'string' && typeof down === 'string'))
    assert.equal(steps.find(({ name }) => name === 'merge-file-operations')?.down, 'impossible')
    assert.equal(clankers.step('no-way-back-given', { up: 'SELECT 1' })['~store'].lane.steps.at(-1)?.down, null)
    for (const wrong of [7, null, {}, ['DROP TABLE x']]) {
      const step = { up: 'SELECT 1', down: wrong as unknown as string }
      assert.throws(() => clankers.step('wrong', step), /step 'wrong': 'down' must be a function or SQL text/)
    }
    assert.throws(() => clankers.step('wrong', { up: 7 as unknown as string }), TypeError)
  })

  it('[K4] the ways back undo what the steps did, tried on the fresh schema from the end to the beginning', async (t) => {
    const root = temporaryFolder(t)
    await state.in(root).upgrade({ target: clankers.at('compaction-events') })
    const db = openDatabase(join(root, 'clankers.db'))
    for (const { down } of clankers['~store'].lane.steps.slice(0, 8).toReversed()) db.exec(String(down))
    const left = db.all("SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' AND tbl_name NOT LIKE 'moult_%'")
    db.close()
    assert.deepEqual(
      left.map(({ name }) => name),
      ['schema_migrations'],
    )
  })
})

describe('[K6] in the start-up of real processes', () => {
  interface Started {
    readonly ready: Promise<{ readonly outcome: string; readonly steps: number; readonly sessions: number } | null>
    readonly exited: Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }>
    /** Ends the daemon's input, which ends the daemon. */
    stop(): void
    kill(): void
  }

  const bin = fileURLToPath(new URL('../../examples/clankers/bin.js', import.meta.url))

  function start(t: TestContext, ...args: string[]): Started {
    const child = spawn(process.execPath, [bin, ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
    t.after(() => child.kill('SIGKILL'))
    const output = new PassThrough()
    child.stdout.pipe(output)
    const firstLine = once(child.stdout, 'data').then(([data]) => JSON.parse(String(data)) as never)
    const closed = once(child, 'close')
    const exited = Promise.all([closed, text(output), text(child.stderr)])
    return {
      ready: Promise.race([firstLine, closed.then(() => null)]),
      exited: exited.then(([[code], stdout, stderr]) => ({ code: Number(code), stdout, stderr })),
      stop: () => child.stdin.end(),
      kill: () => child.kill('SIGKILL'),
    }
  }

  it('[K6] two daemons and a query start together: one upgrades, the other waits; the query refuses or sees the new schema', async (t) => {
    for (let round = 0; round < 3; round++) {
      const root = oldState(t, example)
      const daemons = [start(t, 'daemon', root), start(t, 'daemon', root)]
      const query = start(t, 'query', root)
      const ready = await Promise.all(daemons.map((daemon) => daemon.ready))
      const sessions = example.readContent(root).sessions.length
      assert.deepEqual(ready.map((report) => [report?.outcome, report?.steps, report?.sessions]).toSorted(), [
        ['up-to-date', 0, sessions],
        ['upgraded', 7, sessions],
      ])
      const { code, stdout, stderr } = await query.exited
      if (code === 3) assert.match(stderr, /UPGRADE_PENDING/)
      else assert.deepEqual([code, JSON.parse(stdout)], [0, { outcome: 'up-to-date', ended: sessions }], stderr)
      // With both daemons still running, a later query is answered
      assert.equal((await start(t, 'query', root).exited).code, 0)
      for (const daemon of daemons) daemon.stop()
      for (const daemon of daemons) assert.equal((await daemon.exited).code, 0)
      const done = (await state.in(root).history()).filter(({ result }) => result === 'done')
      assert.equal(done.length, 7)
    }
  })

  it('[K6] a running daemon keeps its schema: an upgrade beside it waits, gives up, and changes nothing', async (t) => {
    const root = oldState(t, example)
    const daemon = start(t, 'daemon', root)
    assert.equal((await daemon.ready)?.outcome, 'upgraded')
    const newer = stateOf(clankers.step('future', { up: 'DROP TABLE compaction_events' }))
    await assert.rejects(newer.in(root).upgrade({ waitMs: 200 }), { code: 'IN_USE' })
    assert.equal(markerOf(root).length, 10)
    // Killed, it is in nobody's way
    daemon.kill()
    await daemon.exited
    assert.equal((await newer.in(root).upgrade({ waitMs: 2000 })).outcome, 'upgraded')
  })

  it('[K6] a query refuses a pending schema and changes nothing, not even `.moult/`', async (t) => {
    const root = oldState(t, example)
    const before = footprint(root)
    const { code, stderr, stdout } = await start(t, 'query', root).exited
    assert.deepEqual([code, stdout], [3, ''])
    assert.match(stderr, /UPGRADE_PENDING.*clankers.*Nothing was changed/)
    checkUntouched(root, before)
    assert.equal(existsSync(join(root, '.moult')), false)
  })

  it('[K6] a query and a daemon refuse a newer schema and change nothing', async (t) => {
    const root = oldState(t, example)
    const newer = stateOf(
      clankers.step('future', { up: 'ALTER TABLE sessions ADD COLUMN future TEXT', additive: true }),
    )
    await newer.in(root).upgrade()
    const before = footprint(root)
    for (const command of ['query', 'daemon']) {
      const { code, stderr } = await start(t, command, root).exited
      assert.equal(code, 4, command)
      assert.match(stderr, /STORE_NEWER.*clankers 0\.9\.1/)
      checkUntouched(root, before)
    }
  })
})

describe("[K6] moult's commands in the app's own CLI", () => {
  async function run(
    root: string,
    name: string,
    args: readonly string[],
  ): Promise<{ code: number; out: string; err: string }> {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()]
    const defaultCommand = name === 'clankers migrate' ? 'upgrade' : 'status'
    const code = await runCli(state.in(root), args, { name, defaultCommand, stdout, stderr })
    stdout.end()
    stderr.end()
    return { code, out: await text(stdout), err: await text(stderr) }
  }

  it('[K6] `migrate:status` shows what is pending, `migrate` upgrades, and help speaks the app’s name', async (t) => {
    const root = oldState(t, example)
    const before = footprint(root)
    const pending = await run(root, 'clankers migrate:status', ['--check'])
    assert.equal(pending.code, 3)
    assert.match(pending.out, /clankers/)
    checkUntouched(root, before)
    assert.equal((await run(root, 'clankers migrate', [])).code, 0)
    assert.equal(markerOf(root).length, 10)
    const status = await run(root, 'clankers migrate:status', ['--json'])
    const document = JSON.parse(status.out) as {
      readonly stores: readonly { readonly status: string; readonly version: number }[]
    }
    assert.deepEqual(
      document.stores.map(({ status, version }) => [status, version]),
      [['current', 10]],
    )
    assert.match((await run(root, 'clankers migrate', ['--help'])).out, /clankers migrate/)
    assert.equal((await run(root, 'clankers migrate', ['--no-such-flag'])).code, 2)
  })
})
