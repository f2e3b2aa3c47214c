import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { defineState, sqlite } from 'moult'
import type { State, Store } from 'moult'
import { adoptLegacyNames } from '../../examples/agent-mux/adopt-legacy-names.js'
import { chain } from '../../examples/agent-mux/chain.js'
import { flatSchema } from '../../examples/agent-mux/flat-schema.js'
import * as agentMux from '../../examples/agent-mux/index.js'
import { files, objects, sagas } from '../../examples/agent-mux/state.js'
import { readTables } from '../../examples/read-tables.js'
import { footprint, temporaryFolder } from '../support/footprint.js'
import { openDatabase } from '../support/sqlite.js'
import { checkFullUpgrade, checkRefused, checkUntouched, execute, oldState } from './upgrade-check.js'

const { state } = agentMux
const paths = { objects: 'objects.db', filestore: 'filestore.db', sagas: 'sagas.db' }

function stateOf(...stores: readonly Store[]): State {
  return defineState({ app: 'agentmux', appVersion: '0.34.0', stores })
}

function userVersion(path: string): unknown {
  return readTables(path, { rows: 'PRAGMA user_version' }).rows[0]?.['user_version']
}

/** Every table, index and trigger but moult's, whatever way its text was quoted and laid out. */
function schemaOf(path: string): readonly (readonly string[])[] {
  const sql =
    "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE tbl_name NOT LIKE 'moult_%' ORDER BY type, name"
  return readTables(path, { rows: sql }).rows.map((row) =>
    Object.values(row).map((value) => String(value).replaceAll(/["\s]/g, '')),
  )
}

describe('AgentMux: three SQLite files, a flat schema', () => {
  it('[W1] [W2] an old state is upgraded: renamed tables keep their rows, dead ones are gone, everything else is as it was', async (t) => {
    const { root } = await checkFullUpgrade(t, agentMux)
    const { objects: tables, filestore } = agentMux.readContent(root)
    assert.ok((tables['db_agent_history']?.length ?? 0) > 200 && (tables['db_drone_runs']?.length ?? 0) === 15)
    assert.ok((filestore['db_file_data']?.length ?? 0) > 200)
    const names = schemaOf(join(root, 'objects.db')).flat().join(' ')
    assert.doesNotMatch(names, /forge|workflow|sentinel/)
    // The next entry of the history gets an id that was never used
    const db = openDatabase(join(root, 'objects.db'))
    const last = db.get("SELECT seq FROM sqlite_sequence WHERE name = 'db_agent_history'")?.['seq']
    db.run("INSERT INTO db_agent_history(agent_id, session_date, entry) VALUES ('a', '2026-11-21', 'x')")
    assert.equal(db.get('SELECT max(id) AS id FROM db_agent_history')?.['id'], Number(last) + 1)
    db.close()
  })
})

describe('[W1] user_version as a tripwire', () => {
  it('[W1] each database is stamped with its version, and only after success', async (t) => {
    const root = oldState(t, agentMux)
    const failing = stateOf(
      objects,
      files,
      sagas.step('boom', {
        up() {
          throw new Error('boom')
        },
      }),
    )
    await checkRefused(root, () => failing.in(root).upgrade(), 'STEP_FAILED', /boom/)
    const versions = (): unknown[] => Object.values(paths).map((path) => userVersion(join(root, path)))
    assert.deepEqual(versions(), [0, 0, 0])
    await state.in(root).upgrade()
    assert.deepEqual(versions(), [15, 1, 2])
  })

  const future = { up: 'CREATE TABLE db_future(x)', additive: true } as const
  const newer: Readonly<Record<keyof typeof paths, State>> = {
    objects: stateOf(objects.step('future', future), files, sagas),
    filestore: stateOf(objects, files.step('future', future), sagas),
    sagas: stateOf(objects, files, sagas.step('future', future)),
  }
  for (const name of ['objects', 'filestore', 'sagas'] as const) {
    it(`[W1] a newer ${paths[name]} is refused by every call, read-only: no pragma, no -wal, no byte changed`, async (t) => {
      const root = oldState(t, agentMux)
      await newer[name].in(root).upgrade()
      // In WAL mode and cleanly closed, where even a read-only connection would leave -wal and -shm behind
      const { mode } = readTables(join(root, paths[name]), { mode: 'PRAGMA journal_mode' })
      assert.deepEqual(mode, [{ journal_mode: 'wal' }])
      const old = state.in(root)
      const message = new RegExp(`'${name}'.*written by agentmux 0\\.34\\.0; this is agentmux 0\\.33\\.4`)
      for (const call of [() => old.upgrade(), () => old.open(), () => old.open({ access: 'read' })])
        await checkRefused(root, call, 'STORE_NEWER', message)
      assert.deepEqual(
        ['-wal', '-shm', '-journal'].filter((suffix) => existsSync(join(root, paths[name] + suffix))),
        [],
      )
      const status = await old.status()
      assert.deepEqual(
        status.stores.map((store) => store.status),
        Object.keys(paths).map((each) => (each === name ? 'newer' : 'current')),
      )
    })
  }

  it('[W1] a version that disagrees with the marker is refused: a program without moult was here', async (t) => {
    const root = oldState(t, agentMux)
    await state.in(root).upgrade()
    for (const stamp of [-15, 1, 14, 16, 99]) {
      execute(join(root, 'objects.db'), `PRAGMA user_version = ${stamp}`)
      const message = new RegExp(`'objects'.*user_version is ${stamp}, but its marker says 15`)
      await checkRefused(root, () => state.in(root).upgrade(), 'MARKER_UNREADABLE', message)
      await checkRefused(root, () => state.in(root).open(), 'MARKER_UNREADABLE', message)
    }
    execute(join(root, 'objects.db'), 'PRAGMA user_version = 15')
    assert.equal((await state.in(root).upgrade()).outcome, 'up-to-date')
  })

  it('[W1] data without a marker is only adopted with user_version 0: a flat release that kept its own count is refused', async (t) => {
    const root = oldState(t, agentMux)
    execute(join(root, 'objects.db'), 'PRAGMA user_version = 4')
    await checkRefused(root, () => state.in(root).upgrade(), 'STORE_LEGACY', /'objects'.*user_version is 4, not 0/)
  })
})

describe('[W2] a flat schema in place of a chain', () => {
  /** The release before the squash, when the chain's steps were still there. */
  function releaseBefore(count: number): Store {
    const base = sqlite('objects', { path: 'objects.db', userVersion: true })
    return chain
      .slice(0, count)
      .reduce<ReturnType<typeof base.steps>>(
        (store, { name, sql }) => store.step(name, { up: sql }),
        base as unknown as ReturnType<typeof base.steps>,
      )
  }

  it('[W2] fresh by the flat schema equals the oldest brought forward by the chain: schema, rows and version', async (t) => {
    const [fresh, walked, legacy] = [temporaryFolder(t), temporaryFolder(t), oldState(t, agentMux)]
    await state.in(fresh).upgrade()
    await stateOf(releaseBefore(11)).in(walked).upgrade()
    assert.equal(userVersion(join(walked, 'objects.db')), 11)
    const { steps } = await state.in(walked).upgrade()
    assert.ok(steps.some(({ step }) => step === 'agent-names') && !steps.some(({ step }) => step.startsWith('forge')))
    await state.in(legacy).upgrade()

    assert.ok(schemaOf(join(fresh, 'objects.db')).length > 25)
    for (const root of [walked, legacy])
      assert.deepEqual(schemaOf(join(root, 'objects.db')), schemaOf(join(fresh, 'objects.db')))
    assert.deepStrictEqual(agentMux.readContent(walked).objects, agentMux.readContent(fresh).objects)
    assert.deepEqual(
      [fresh, walked, legacy].map((root) => userVersion(join(root, 'objects.db'))),
      [15, 15, 15],
    )
  })

  it('[W2] rows go the same way: what is put into a fresh database equals what was brought forward', async (t) => {
    const [fresh, legacy] = [temporaryFolder(t), oldState(t, agentMux)]
    await state.in(fresh).upgrade()
    await state.in(legacy).upgrade()
    const db = openDatabase(join(fresh, 'objects.db'))
    db.exec(`PRAGMA foreign_keys = OFF; ATTACH '${join(legacy, 'objects.db')}' AS legacy`)
    const tables = db.all("SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'db_%'")
    for (const { name } of tables) db.exec(`INSERT INTO main.${String(name)} SELECT * FROM legacy.${String(name)}`)
    const violations = db.all('PRAGMA main.foreign_key_check')
    db.close()
    assert.deepEqual(violations, [])
    assert.deepStrictEqual(agentMux.readContent(fresh).objects, agentMux.readContent(legacy).objects)
  })

  it('[W2] a database that ends within the chain is too old, and learns which release still has it', async (t) => {
    const root = temporaryFolder(t)
    await stateOf(releaseBefore(9)).in(root).upgrade()
    const upgrade = (): Promise<unknown> => stateOf(objects).in(root).upgrade()
    const { hint } = await checkRefused(root, upgrade, 'STORE_TOO_OLD', /'objects' is at version 9.*before version 11/)
    assert.match(hint, /Start agentmux 0\.32 once/)
  })
})

describe('[W3] legacy tables', () => {
  it('[W3] empty new tables that a newer program made beside the old ones do not hide them', async (t) => {
    const root = oldState(t, agentMux)
    execute(join(root, 'objects.db'), flatSchema)
    const rows = readTables(join(root, 'objects.db'), { rows: 'SELECT count(*) AS n FROM db_forge_agents' }).rows
    await state.in(root).upgrade()
    assert.deepEqual(
      readTables(join(root, 'objects.db'), { rows: 'SELECT count(*) AS n FROM db_agent_definitions' }).rows,
      rows,
    )
  })

  const strange: readonly [string, string, RegExp][] = [
    [
      'rows under the old and the new name',
      `${flatSchema}; INSERT INTO db_agent_identities VALUES ('i', 'n', 'k')`,
      /db_identities and db_agent_identities both have rows/,
    ],
    [
      'a legacy table of a shape that no release made',
      'ALTER TABLE db_forge_skills ADD COLUMN mine TEXT',
      /db_forge_skills has the columns id, agent_id, name, content, mine/,
    ],
    [
      'a dead table whose rows were never copied',
      "INSERT INTO db_workflow_definitions VALUES ('only-here', 'n', '{}')",
      /1 rows of db_workflow_definitions were never copied/,
    ],
  ]
  for (const [what, sql, message] of strange) {
    it(`[W3] ${what}: the upgrade stops before the first rename, and all three files are as before`, async (t) => {
      const root = oldState(t, agentMux)
      execute(join(root, 'objects.db'), sql)
      await checkRefused(root, () => state.in(root).upgrade(), 'STEP_FAILED', message)
    })
  }
})

describe('[W5] a version of its own for each store', () => {
  it('[W5] branches that both took the same number are told apart by name', async (t) => {
    const root = oldState(t, agentMux)
    const [ours, theirs] = [objects.step('drag-order', { up: 'SELECT 1' }), objects.step('color', { up: 'SELECT 2' })]
    await stateOf(theirs, files, sagas).in(root).upgrade()
    assert.equal(userVersion(join(root, 'objects.db')), 16)
    const branch = stateOf(ours, files, sagas).in(root)
    await checkRefused(root, () => branch.upgrade(), 'STORE_DIVERGED', /'objects'.*'color' at place 16.*'drag-order'/)
    const status = await branch.status()
    assert.deepEqual(
      status.stores.map(({ name, status, version }) => [name, status, version]),
      [
        ['objects', 'diverged', 16],
        ['filestore', 'current', 1],
        ['sagas', 'current', 2],
      ],
    )
  })

  it('[W5] branches that took the same number and the same name are told apart by checksum', async (t) => {
    const root = oldState(t, agentMux)
    const column = (sql: string): Store => sagas.step('deadline', { up: `ALTER TABLE saga ADD COLUMN ${sql}` })
    await stateOf(objects, files, column('deadline INTEGER')).in(root).upgrade()
    const other = stateOf(objects, files, column('deadline TEXT')).in(root)
    await checkRefused(root, () => other.upgrade(), 'STORE_EDITED', /sagas\/deadline/)
  })

  it('[W5] both took number 9 of a chain: the first difference is named, whatever stands behind it', async (t) => {
    const root = temporaryFolder(t)
    const base = sqlite('objects', { path: 'objects.db', userVersion: true })
    const branch = (ninth: string): Store =>
      ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', ninth, 'ten'].reduce<
        ReturnType<typeof base.steps>
      >((store, name) => store.step(name, { up: 'SELECT 1' }), base as unknown as ReturnType<typeof base.steps>)
    await stateOf(branch('left')).in(root).upgrade()
    await checkRefused(root, () => stateOf(branch('right')).in(root).upgrade(), 'STORE_DIVERGED', /'left' at place 9/)
  })
})

describe('[W6] idempotence', () => {
  it('[W6] a fresh directory gets three databases, and a second start changes nothing', async (t) => {
    const root = temporaryFolder(t)
    const { outcome, stores } = await state.in(root).upgrade()
    assert.equal(outcome, 'upgraded')
    assert.deepEqual(
      stores.map(({ version, status }) => [version, status]),
      [
        [15, 'current'],
        [1, 'current'],
        [2, 'current'],
      ],
    )
    const before = footprint(root)
    assert.equal((await state.in(root).upgrade()).outcome, 'up-to-date')
    const held = await state.in(root).open()
    await held.close()
    checkUntouched(root, before)
  })

  it('[W6] a flat database that has no marker yet keeps every row; the step that renames finds nothing to do', async (t) => {
    const root = temporaryFolder(t)
    execute(join(root, 'objects.db'), flatSchema)
    execute(
      join(root, 'objects.db'),
      `INSERT INTO db_agent_definitions VALUES ('a', 'Anna', '✦', 'claude', '', 7, '', 'host');
       INSERT INTO db_agent_skills VALUES ('s', 'a', 'n', 'c');`,
    )
    await state.in(root).upgrade()
    const { objects: tables } = agentMux.readContent(root)
    assert.deepEqual(tables['db_agent_skills'], [{ id: 's', agent_id: 'a', name: 'n', content: 'c' }])
    assert.deepEqual(tables['db_agents'], [
      { id: 'a', definition_id: null, name: 'Anna', block_id: null, created_at: 7 },
    ])
    const fresh = temporaryFolder(t)
    await state.in(fresh).upgrade()
    assert.deepEqual(schemaOf(join(root, 'objects.db')), schemaOf(join(fresh, 'objects.db')))
  })

  it('[W6] the flat batch and the renaming do nothing to a database that is already flat', async (t) => {
    const root = oldState(t, agentMux)
    await state.in(root).upgrade()
    const [content, schema] = [agentMux.readContent(root), schemaOf(join(root, 'objects.db'))]
    const again = objects.step('again', { up: ({ db }) => adoptLegacyNames(db) })
    const { steps } = await stateOf(again, files, sagas).in(root).upgrade()
    assert.deepEqual(
      steps.map(({ step, changes }) => [step, changes.rows]),
      [['again', 0]],
    )
    assert.deepStrictEqual(agentMux.readContent(root), content)
    assert.deepEqual(schemaOf(join(root, 'objects.db')), schema)
  })
})
