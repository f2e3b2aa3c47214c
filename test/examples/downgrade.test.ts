import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import * as agentOs from '../../examples/agent-os/index.js'
import { intentLog, memory, vault, vaultIndex } from '../../examples/agent-os/state.js'
import * as clankersExample from '../../examples/clankers/index.js'
import { clankers } from '../../examples/clankers/state.js'
import { readTables } from '../../examples/read-tables.js'
import { temporaryFolder } from '../support/footprint.js'
import { checkRefused, databases, oldState } from './upgrade-check.js'

/** What the vault's metadata says, however it is written. */
function metadataOf(root: string): Readonly<Record<string, unknown>> {
  const folder = join(root, 'vault/store/metadata')
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.json'))
  return Object.fromEntries(
    files.map((file) => [file, JSON.parse(readFileSync(join(folder, file), 'utf8')) as unknown]),
  )
}

function withoutMetadata(content: ReturnType<typeof agentOs.readContent>): object {
  const vaultFiles = Object.entries(content.vault).filter(([path]) => !path.startsWith('store/metadata/'))
  return { ...content, vault: Object.fromEntries(vaultFiles) }
}

describe('[A6] Agent OS goes back', () => {
  const { state } = agentOs
  const beforeTrust = [memory.at(0), vaultIndex.at(0), vault.at(0)]

  it('[A6] over two databases and a vault: what the steps added is gone, all else is as the upgrade left it', async (t) => {
    const [root, old] = [oldState(t, agentOs), oldState(t, agentOs)]
    const expected = agentOs.expectedContent(old)
    const before = agentOs.readContent(old)
    await state.in(root).upgrade()

    const { outcome, steps } = await state.in(root).downgrade({ target: beforeTrust })
    assert.equal(outcome, 'downgraded')
    assert.deepEqual(
      steps.map(({ store, step, direction }) => `${store}/${step} ${direction}`),
      [
        'memory/trust-level down',
        'vault-index/by-trust down',
        'vault/trust-to-index down',
        'vault-index/trust-level down',
        'memory/owner-id down',
      ],
    )
    assert.deepStrictEqual(
      withoutMetadata(agentOs.readContent(root)),
      withoutMetadata({ ...expected, memories: before.memories, blobs: before.blobs }),
    )
    assert.deepEqual(metadataOf(root), metadataOf(old))
    assert.ok(Object.values(metadataOf(root)).length > 100)
    assert.deepEqual(
      (await state.in(root).status()).stores.map(({ name, version, status }) => [name, version, status]),
      [
        ['conversations', 3, 'current'],
        ['intent-log', 2, 'current'],
        ['users', 0, 'current'],
        ['memory', 0, 'behind'],
        ['vault-index', 0, 'behind'],
        ['vault', 0, 'behind'],
      ],
    )
    assert.deepEqual(await state.in(root).verify(), { problems: [] })

    // And forward again
    await state.in(root).upgrade()
    const { vault: files, ...rest } = agentOs.readContent(root)
    const { vault: expectedFiles, ...expectedRest } = expected
    assert.deepStrictEqual(rest, expectedRest)
    assert.deepEqual(Object.keys(files), Object.keys(expectedFiles))
    assert.ok(Object.values(metadataOf(root)).filter((each) => 'trust' in (each as object)).length === 3)
  })

  it('[A6] the vault alone takes back what it wrote into the index, which stays at its version', async (t) => {
    const root = oldState(t, agentOs)
    await state.in(root).upgrade({ target: [vault.at('trust-to-index'), vaultIndex.at('trust-level')] })
    await state.in(root).downgrade({ target: vault.at(0) })
    const { blobs } = agentOs.readContent(root)
    assert.ok(blobs.length > 100 && blobs.every(({ trust_level }) => trust_level === null))
    assert.deepEqual(metadataOf(root), metadataOf(oldState(t, agentOs)))
    await state.in(root).upgrade()
    assert.ok(agentOs.readContent(root).blobs.every(({ trust_level }) => trust_level !== null))
  })

  it("[A6] a way back that is 'impossible' refuses before anything is undone, in whatever store", async (t) => {
    const root = oldState(t, agentOs)
    await state.in(root).upgrade()
    await checkRefused(
      root,
      () => state.in(root).downgrade({ target: [...beforeTrust, 'conversations@0', 'intent-log@0'] }),
      'DOWN_MISSING',
      /conversations\/0003_plain_content cannot be undone: it says that it has no way back.*Also: intent-log \(DOWN_MISSING\)/,
    )
    await checkRefused(
      root,
      () => state.in(root).downgrade({ target: [memory.at(0), intentLog.at('hash-algorithm')] }),
      'DOWN_MISSING',
      /intent-log\/record-upgrade cannot be undone/,
    )
  })

  it('[A6] what other stores still need is named', async (t) => {
    const root = oldState(t, agentOs)
    await state.in(root).upgrade()
    await checkRefused(
      root,
      () => state.in(root).downgrade({ target: vaultIndex.at('trust-level') }),
      'STILL_NEEDED',
      /memory\/trust-level needs vault-index@by-trust/,
    )
    await checkRefused(
      root,
      () => state.in(root).downgrade({ target: [memory.at('owner-id'), vault.at(0)] }),
      'STILL_NEEDED',
      /vault-index\/by-trust needs vault@trust-to-index/,
    )
  })
})

describe('[K4] Clankers goes back by SQL text', () => {
  const { state } = clankersExample
  const contentAt3 = (root: string): object =>
    readTables(join(root, 'clankers.db'), {
      sessions: 'SELECT * FROM sessions ORDER BY id',
      messages: 'SELECT * FROM messages ORDER BY id',
      tools: 'SELECT * FROM tools ORDER BY id',
      operations: 'SELECT * FROM file_operations ORDER BY id',
      schema:
        "SELECT type, name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' AND name <> 'schema_migrations' ORDER BY name",
    })

  it('[K4] [A6] an old database that was upgraded is, brought back, what it was; and goes forward again', async (t) => {
    const [root, old] = [oldState(t, clankersExample), oldState(t, clankersExample)]
    const expected = clankersExample.expectedContent(old)
    await state.in(root).upgrade({ target: clankers.at('compaction-events') })
    const { steps } = await state.in(root).downgrade({ target: clankers.at('file-operations') })
    assert.deepEqual(
      steps.map(({ step }) => step),
      ['compaction-events', 'session-errors', 'permission-mode', 'status', 'source'],
    )
    assert.deepStrictEqual(contentAt3(root), contentAt3(old))
    const marker = readTables(join(root, 'clankers.db'), { rows: 'SELECT version, arrival FROM schema_migrations' })
    assert.deepEqual(
      marker.rows.map(({ version, arrival }) => [version, arrival]),
      [1, 2, 3].map((version) => [version, 'adopted']),
    )
    await state.in(root).upgrade()
    assert.deepStrictEqual(clankersExample.readContent(root), expected)
    assert.deepEqual(databases(root).length, 1)
  })

  it('[K4] a fresh database goes back to nothing', async (t) => {
    const root = temporaryFolder(t)
    await state.in(root).upgrade({ target: clankers.at('compaction-events') })
    await state.in(root).downgrade({ target: 'clankers@0' })
    const { rows } = readTables(join(root, 'clankers.db'), {
      rows: "SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'",
    })
    assert.deepEqual(rows, [{ name: 'schema_migrations' }])
    const { stores } = await state.in(root).status()
    assert.deepEqual([stores[0]?.status, stores[0]?.version, stores[0]?.pending.length], ['behind', 0, 10])
  })

  it('[K4] [A6] the merge has no way back, and what was there before moult was not added by it', async (t) => {
    const root = oldState(t, clankersExample)
    await state.in(root).upgrade()
    await checkRefused(
      root,
      () => state.in(root).downgrade({ target: 'clankers@3' }),
      'DOWN_MISSING',
      /clankers\/merge-file-operations cannot be undone/,
    )
    assert.equal((await state.in(root).downgrade({ target: 'clankers@merge-file-operations' })).steps.length, 1)
    const early = oldState(t, clankersExample)
    await state.in(early).upgrade({ target: 'clankers@3' })
    await checkRefused(
      early,
      () => state.in(early).downgrade({ target: 'clankers@base' }),
      'DOWN_MISSING',
      /clankers\/file-operations cannot be undone: it did not run here, the data was there before moult/,
    )
  })
})
