import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { defineState, sqlite } from 'moult'
import * as agentOs from '../../examples/agent-os/index.js'
import { conversations, intentLog, memory, users, vault, vaultIndex } from '../../examples/agent-os/state.js'
import { readTables } from '../../examples/read-tables.js'
import { checkout } from '../support/checkout.js'
import { footprint } from '../support/footprint.js'
import { openDatabase } from '../support/sqlite.js'
import { checkFullUpgrade, checkRefused, checkUntouched, databases, execute, oldState } from './upgrade-check.js'

const { state } = agentOs
/** Where each marker stands; the last one is the vault's. */
const stores = ['conversations.db', 'intent_log.db', 'users.db', 'memory.db', 'vault/index.db']

function tableNames(path: string): string[] {
  return readTables(path, { rows: "SELECT name FROM sqlite_schema WHERE type = 'table'" }).rows.map(({ name }) =>
    String(name),
  )
}

describe('Agent OS: four databases, and a vault with one of its own', () => {
  it('[A8] [A15] an old state is upgraded: rows, search results, hash chain, keys and blobs are as they must be', async (t) => {
    const { root, report } = await checkFullUpgrade(t, agentOs)
    const content = agentOs.readContent(root)
    assert.ok(content.messages.length > 1000 && content.intentLog.length === 801)
    // Searching finds many, and the word of the old wrapping no more
    assert.ok((content.search['cafe']?.length ?? 0) > 50 && (content.search['東京']?.length ?? 0) > 50)
    assert.deepEqual(content.search['text'], [])
    assert.equal(content.vault['crypto/master.key']?.slice(0, 4), '600 ')
    const metadata = report.steps.find(({ step }) => step === 'trust-to-index')?.changes
    assert.deepEqual([metadata?.filesChanged, metadata?.filesRemoved], [120, 0])
  })

  it("[A1] a killed app's un-checkpointed rows are part of the old data", (t) => {
    const root = oldState(t, agentOs)
    assert.ok(statSync(join(root, 'intent_log.db-wal')).size > 10_000)
    assert.equal(statSync(join(root, 'intent_log.db')).mode & 0o777, 0o600)
    // The main file alone holds the first 600
    const path = join(root, 'alone.db')
    cpSync(join(root, 'intent_log.db'), path)
    assert.deepEqual(readTables(path, { rows: 'SELECT count(*) AS n FROM intent_log' }).rows, [{ n: 600 }])
  })
})

describe('[A1] version tracking over several databases', () => {
  it('[A1] each database has a marker of its own, with the steps it has seen', async (t) => {
    const root = oldState(t, agentOs)
    await state.in(root).upgrade()
    const steps = stores.map((path) =>
      readTables(join(root, path), { rows: 'SELECT name FROM moult_steps ORDER BY version' }).rows.map(
        ({ name }) => name,
      ),
    )
    assert.deepEqual(steps, [
      ['0001_archived_at', '0002_message_positions', '0003_plain_content'],
      ['hash-algorithm', 'record-upgrade'],
      [],
      ['owner-id', 'trust-level'],
      ['trust-level', 'by-trust'],
    ])
    assert.ok(readFileSync(join(root, 'vault/.schema-version'), 'utf8').includes('trust-to-index'))
    // The table of that name that the app's own framework kept is data like any other
    assert.ok(tableNames(join(root, 'conversations.db')).includes('schema_version'))
  })

  it('[A1] [A7] marker and data commit together: another connection sees neither while the step is being validated', async (t) => {
    const root = oldState(t, agentOs)
    const path = join(root, 'memory.db')
    const seen: { inside: boolean[]; outside: boolean[] }[] = []
    const marker = "SELECT 1 FROM sqlite_schema WHERE name = 'moult_steps'"
    const column = "SELECT 1 FROM pragma_table_info('memories') WHERE name = 'trust_level'"
    const watched = memory.step('watched', {
      up: 'CREATE TABLE later(x)',
      validate({ db }) {
        const other = openDatabase(path)
        const look = (ask: (sql: string) => readonly unknown[]): boolean[] =>
          [marker, column].map((sql) => ask(sql).length > 0)
        seen.push({ inside: look((sql) => db.all(sql)), outside: look((sql) => other.all(sql)) })
        other.close()
        return true
      },
    })
    const watching = defineState({
      app: 'agent-os',
      stores: [conversations, intentLog, users, watched, vaultIndex, vault],
    })
    await watching.in(root).upgrade()
    assert.deepEqual(seen, [{ inside: [true, true], outside: [false, false] }])
    const names = readTables(path, { rows: 'SELECT name FROM moult_steps' }).rows.map(({ name }) => name)
    assert.deepEqual(names, ['owner-id', 'trust-level', 'watched'])
    assert.ok(tableNames(path).includes('later'))
  })

  it('[A1] the central history tells version, name, time, checksum, success, duration and error of each step', async (t) => {
    const root = oldState(t, agentOs)
    const failing = memory.step('boom', {
      up() {
        throw new Error('no such luck')
      },
    })
    const broken = defineState({
      app: 'agent-os',
      stores: [conversations, intentLog, users, failing, vaultIndex, vault],
    })
    await checkRefused(root, () => broken.in(root).upgrade(), 'STEP_FAILED', /no such luck/)
    await state.in(root).upgrade()
    const history = await state.in(root).history()
    const failed = history.find(({ result }) => result === 'failed')
    assert.deepEqual([failed?.store, failed?.step], ['memory', 'boom'])
    assert.match(failed?.error ?? '', /no such luck/)
    const done = history.filter(({ result }) => result === 'done')
    assert.deepEqual(done.map(({ step }) => step).toSorted(), [
      '0001_archived_at',
      '0002_message_positions',
      '0003_plain_content',
      'by-trust',
      'hash-algorithm',
      'owner-id',
      'record-upgrade',
      'trust-level',
      'trust-level',
      'trust-to-index',
    ])
    for (const entry of done) {
      assert.ok(entry.ms >= 0 && !Number.isNaN(Date.parse(entry.at)) && entry.run !== '')
      assert.equal(entry.appVersion, '2.0.0')
    }
    assert.match(done.find(({ step }) => step === '0001_archived_at')?.checksum ?? '', /^sha256:[0-9a-f]{64}$/)
  })

  it('[A1] losing the central history changes nothing: the state is current, nothing runs again, nothing is written', async (t) => {
    const root = oldState(t, agentOs)
    await state.in(root).upgrade()
    rmSync(join(root, '.moult/history.jsonl'))
    const before = footprint(root)
    const after = await state.in(root).status()
    assert.ok(after.stores.every(({ status }) => status === 'current'))
    assert.equal((await state.in(root).upgrade()).outcome, 'up-to-date')
    assert.deepEqual(await state.in(root).verify(), { problems: [] })
    checkUntouched(root, before)
  })

  it("[A1] the log of the app's own old framework belongs to no store: it is reported, and stays as it is", async (t) => {
    const root = oldState(t, agentOs)
    const before = footprint(root)['migrations.db']
    await state.in(root).upgrade()
    assert.deepEqual((await state.in(root).status({ unclaimed: true })).unclaimed, ['migrations.db'])
    assert.equal(footprint(root)['migrations.db'], before)
  })
})

describe('[A2] dependencies across databases', () => {
  it('[A2] a step comes after what it depends on, whatever database that is in', async (t) => {
    const root = oldState(t, agentOs)
    const { steps, refusals } = await state.in(root).plan()
    assert.deepEqual(refusals, [])
    const order = steps.map(({ store, step }) => `${store}/${step}`)
    const pairs = [
      ['conversations/0003_plain_content', 'intent-log/record-upgrade'],
      ['vault-index/trust-level', 'vault/trust-to-index'],
      ['vault/trust-to-index', 'vault-index/by-trust'],
      ['vault-index/by-trust', 'memory/trust-level'],
    ] as const
    for (const [first, then] of pairs) {
      assert.ok(order.includes(first) && order.includes(then), order.join(', '))
      assert.ok(order.indexOf(first) < order.indexOf(then), `${first} before ${then}: ${order.join(', ')}`)
    }
    const reversed = defineState({
      app: 'agent-os',
      stores: [vault, memory, vaultIndex, users, intentLog, conversations],
    })
    const other = (await reversed.in(root).plan()).steps.map(({ store, step }) => `${store}/${step}`)
    for (const [first, then] of pairs) assert.ok(other.indexOf(first) < other.indexOf(then), other.join(', '))
  })

  it('[A2] a dependency that is missing is an error when the state is defined', () => {
    assert.throws(
      () => defineState({ app: 'agent-os', stores: [intentLog] }),
      (error) =>
        error instanceof TypeError && /intent-log\/record-upgrade refers to conversations@/.test(error.message),
    )
    assert.throws(() => conversations.at('0009_not_there'), TypeError)
    // The store is there, but an older version of it, without the step
    const older = sqlite('conversations', { path: 'conversations.db' }).step('0001_archived_at', { up: 'SELECT 1' })
    assert.throws(
      () => defineState({ app: 'agent-os', stores: [older, intentLog] }),
      /conversations@0003_plain_content, which does not exist/,
    )
  })

  it('[A2] a circle is an error when the state is defined, and names its steps', () => {
    const base = sqlite('a', { path: 'a.db' }).step('one', { up: 'SELECT 1' }).step('two', { up: 'SELECT 1' })
    const b = sqlite('b', { path: 'b.db' }).step('three', { up: 'SELECT 1', dependsOn: [base.at('two')] })
    const a = sqlite('a', { path: 'a.db' })
      .step('one', { up: 'SELECT 1', dependsOn: [b.at('three')] })
      .step('two', { up: 'SELECT 1' })
    assert.throws(
      () => defineState({ app: 'circular', stores: [a, b] }),
      (error) =>
        error instanceof TypeError && ['a/one', 'a/two', 'b/three'].every((step) => error.message.includes(step)),
    )
  })

  it('[A2] a target that cuts a dependency off is refused; with the dependency as a second target it is reached', async (t) => {
    const root = oldState(t, agentOs)
    const target = intentLog.at('record-upgrade')
    await checkRefused(
      root,
      () => state.in(root).upgrade({ target }),
      'DEPENDENCY_CUT_OFF',
      /intent-log\/record-upgrade needs conversations@0003_plain_content/,
    )
    const { stores } = await state.in(root).upgrade({ target: [target, conversations.at('0003_plain_content')] })
    const versions = Object.fromEntries(stores.map(({ name, version }) => [name, version]))
    assert.deepEqual([versions['intent-log'], versions['conversations'], versions['memory']], [2, 3, null])
  })
})

describe('[A7] validate', () => {
  it('[A7] a hash chain that was tampered with stops the upgrade before any commit; all five databases are byte for byte as before', async (t) => {
    const root = oldState(t, agentOs)
    execute(
      join(root, 'intent_log.db'),
      `DROP TRIGGER intent_log_no_update; UPDATE intent_log SET details = '{}' WHERE id = 700`,
    )
    const error = await checkRefused(
      root,
      () => state.in(root).upgrade(),
      'VALIDATION_FAILED',
      /intent-log\/record-upgrade failed its own check: the hash chain breaks at entry 700/,
    )
    assert.equal(error.report?.outcome, 'put-back')
  })

  it('[A7] [A8] a blob without metadata stops the step over vault and index: files and rows are as before', async (t) => {
    const root = oldState(t, agentOs)
    const [folder = ''] = readdirSync(join(root, 'vault/store/blobs'))
    rmSync(join(root, 'vault/store/metadata', folder), { recursive: true })
    await checkRefused(
      root,
      () => state.in(root).upgrade(),
      'VALIDATION_FAILED',
      /vault\/trust-to-index.*1 blobs have no trust level/,
    )
  })

  it('[A8] a step that fails after it wrote a database and files leaves both as they were', async (t) => {
    const root = oldState(t, agentOs)
    const failing = vault.step('late', {
      writes: { index: vaultIndex.at('by-trust') },
      async up({ files, stores }) {
        stores.index.run('DELETE FROM blobs')
        for await (const file of files.glob('store/blobs/**')) await files.delete(file)
        throw new Error('too late')
      },
    })
    const late = defineState({
      app: 'agent-os',
      stores: [conversations, intentLog, users, memory, vaultIndex, failing],
    })
    await checkRefused(root, () => late.in(root).upgrade(), 'STEP_FAILED', /too late/)
  })

  it('[A17] metadata that is no JSON stops the upgrade and is named, but not shown', async (t) => {
    const root = oldState(t, agentOs)
    const [folder = ''] = readdirSync(join(root, 'vault/store/metadata'))
    const [file = ''] = readdirSync(join(root, 'vault/store/metadata', folder))
    writeFileSync(join(root, 'vault/store/metadata', folder, file), '{"wrapped_key":"c2VjcmV0",')
    const error = await checkRefused(root, () => state.in(root).upgrade(), 'RECORD_REJECTED', new RegExp(file))
    assert.doesNotMatch(error.message, /c2VjcmV0/)
  })
})

describe('[A10] [A11] steps in files, and what they get', () => {
  it('[A10] files are called XXXX_short_description, and a step is called like its file', () => {
    const files = readdirSync(join(checkout, 'examples/agent-os/steps')).toSorted()
    assert.deepEqual(files, [
      '0001_archived_at.down.sql',
      '0001_archived_at.sql',
      '0002_message_positions.ts',
      '0003_plain_content.ts',
    ])
    assert.deepEqual(conversations['~store'].lane.names, [
      '0001_archived_at',
      '0002_message_positions',
      '0003_plain_content',
    ])
    const [first, second, third] = conversations['~store'].lane.steps
    assert.match(String(first?.up), /ADD COLUMN archived_at/)
    assert.match(String(first?.down), /DROP COLUMN archived_at/)
    assert.deepEqual([typeof second?.up, typeof second?.validate, third?.down], ['function', 'function', 'impossible'])
    assert.throws(() => conversations.at(4), TypeError)
  })

  it('[A10] [A5] each file has a checksum: an upgraded state has no unchecked step in it', async (t) => {
    const root = oldState(t, agentOs)
    await state.in(root).upgrade()
    const { rows } = readTables(join(root, 'conversations.db'), {
      rows: 'SELECT checksum, description FROM moult_steps',
    })
    assert.equal(rows.filter(({ checksum }) => String(checksum).startsWith('sha256:')).length, 3)
    assert.match(String(rows[1]?.['description']), /knows its place/)
    const report = await state.in(root).status()
    assert.deepEqual(report.stores.find(({ name }) => name === 'conversations')?.unchecked, [])
  })

  it('[A11] execute, executemany, table_exists, column_exists and table columns, on a database of the real shape', async (t) => {
    const root = oldState(t, agentOs)
    const seen: unknown[] = []
    const tried = memory.step('helpers', {
      up({ db, dryRun, signal, progress }) {
        const { changes } = db.run("UPDATE memories SET kind = 'fact' WHERE kind = ?", 'preference')
        const labels = ['a', 'b', 'c'].map((label, index) => [index, label] as const)
        db.exec('CREATE TABLE label(id INTEGER PRIMARY KEY, label TEXT NOT NULL)')
        seen.push(db.runMany('INSERT INTO label VALUES (?, ?)', labels), changes > 10)
        seen.push(db.tableExists('consent_records'), db.tableExists('nothing'))
        seen.push(
          db.columnExists('memories', 'owner_id'),
          db.columnExists('memories', 'nothing'),
          db.columnExists('nothing', 'id'),
        )
        seen.push(db.columns('label').map(({ name, type, notNull, pk }) => [name, type, notNull, pk]))
        seen.push(dryRun, signal.aborted)
        progress(1, 1)
      },
    })
    const trying = defineState({ app: 'agent-os', stores: [conversations, intentLog, users, tried, vaultIndex, vault] })
    const held = await trying.in(root).open()
    assert.deepEqual(seen, [
      { changes: 3 },
      true,
      true,
      false,
      true,
      false,
      false,
      [
        ['id', 'INTEGER', false, 1],
        ['label', 'TEXT', true, 0],
      ],
      false,
      false,
    ])
    // The paths of databases and of the data directory
    assert.deepEqual(
      [held.root, held.path(tried), held.path('vault-index')],
      [root, join(root, 'memory.db'), join(root, 'vault/index.db')],
    )
    await held.close()
  })

  it('[A9] the command line works on the example', async (t) => {
    const root = oldState(t, agentOs)
    const moult = (...args: string[]): { readonly status: number | null; readonly stdout: string } =>
      spawnSync(
        process.execPath,
        ['dist/cli/bin.js', '--config', 'examples/agent-os/moult.config.ts', '--data-dir', root, ...args],
        { cwd: checkout, encoding: 'utf8' },
      )
    const before = footprint(root)
    assert.equal(moult('status', '--check').status, 3)
    checkUntouched(root, before)
    assert.equal(moult('upgrade').status, 0)
    assert.equal(moult('status', '--check').status, 0)
    assert.equal(databases(root).length, 6)
    assert.equal((await state.in(root).upgrade()).outcome, 'up-to-date')
  })
})
