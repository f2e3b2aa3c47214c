import assert from 'node:assert/strict'
import {
  copyFileSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { isMoultError, record } from 'moult'
import { z } from 'zod'
import { goodSessions, leftSessions } from '../../examples/codewhale/old-state.js'
import { registry } from '../../examples/codewhale/registry.js'
import { Session } from '../../examples/codewhale/session.js'
import { state } from '../../examples/codewhale/state.js'
import { examples } from '../../examples/index.js'
import { failAt } from '../disk/fault-disk.js'
import { footprint } from '../support/footprint.js'
import { checkUpgrade, copyRoot, emptyRoot, oldRoots } from './old-roots.js'

const example = examples.find(({ name }) => name === 'codewhale')!
const roots = oldRoots(example)

const sessionNames = readdirSync(join(roots.old, 'sessions')).filter((name) => /^[0-9a-f-]{36}\.json$/.test(name))
const textOf = (root: string, path: string): string => readFileSync(join(root, path), 'utf8')
const keysOf = (text: string): string[] => Object.keys(JSON.parse(text.replace(/^\uFEFF/, '')))

/** The first session whose text matches and that can be brought forward. */
function findSession(pattern: RegExp): string {
  const name = sessionNames.find(
    (each) => !(each in leftSessions) && pattern.test(textOf(roots.old, `sessions/${each}`)),
  )
  assert.ok(name !== undefined, String(pattern))
  return name
}

/** The error that Session.read gives for a file. */
async function rejectionOf(
  read: Promise<unknown>,
): Promise<{ record: string; file: string | null; from: number | null; to: number; reason: string }> {
  try {
    await read
  } catch (error) {
    if (isMoultError(error, 'RECORD_REJECTED')) return error.details
    throw error
  }
  assert.fail('it was not rejected')
}

test('[C2] [C4] [C8] [C10] a directory of many releases is swept whole: 49 sessions come through, and nothing else changes', async (t) => {
  const root = roots.copy(t)
  const report = await checkUpgrade(example, roots, root)
  const left = report.stores.flatMap((store) =>
    store.left.map(({ file, reason }) => [`${store.name}: ${file}`, reason] as const),
  )
  assert.deepEqual(
    left.map(([file]) => file),
    [
      ...Object.keys(leftSessions).map((file) => `session: ${file}`),
      'runtime.events: thr_torn.jsonl:41',
      'task: task_lost.json',
    ],
  )
  for (const [index, pattern] of Object.values(leftSessions).entries()) assert.match(left[index]![1], pattern)
  const status = await state.in(root).status()
  assert.deepEqual(
    status.stores.flatMap((store) => store.left.map(({ file }) => `${store.name}: ${file}`)),
    left.map(([file]) => file),
  )
  assert.equal(
    report.steps.find(({ store, step }) => store === 'session' && step === 'v2')?.changes.records,
    goodSessions - 7,
    'seven are at version 2 already',
  )
})

test("[C1] a domain's steps go from each version to the next: a version without its step, a gap and a repetition are found when they are defined", async () => {
  const Any = z.object({ metadata: z.object({ id: z.string() }) })
  const untyped = Session as unknown as { version(n: number, schema: unknown, change?: unknown): unknown }
  const up = (value: unknown): unknown => value
  assert.throws(() => untyped.version(3, Any), /'up' is missing/)
  assert.throws(() => untyped.version(4, Any, { up }), /the next is 3/)
  assert.throws(() => untyped.version(2, Any, { up }), /the next is 3/)
  const { stores } = await state.in(roots.old).status()
  for (const { name, head, pending } of stores)
    assert.deepEqual(
      pending,
      Array.from({ length: head }, (_, index) => `v${index + 1}`),
      name,
    )
})

test('[C2] each needed step runs, the version is stamped after each, and order and unknown fields stay', () => {
  const seen: unknown[] = []
  const Session4 = Session.version(3, z.object({ metadata: z.object({ id: z.string() }), journal: z.unknown() }), {
    up: (session) => {
      seen.push((session as Record<string, unknown>)['schema_version'])
      return session
    },
  }).version(4, z.object({ metadata: z.object({ id: z.string() }), pinned: z.boolean() }), {
    up: (session) => {
      seen.push((session as Record<string, unknown>)['schema_version'])
      return { ...session, pinned: false }
    },
  })
  const text = textOf(
    roots.old,
    `sessions/${findSession(/"schema_version": 1,[^]*"messages": \[[^]*\],\n  "system_prompt"/)}`,
  )
  const before = JSON.parse(text)
  const { value, from, to, changed } = Session4.upgrade(before)
  assert.deepEqual([from, to, changed], [1, 4, true])
  assert.deepEqual(seen, [2, 3])
  assert.deepEqual(Object.keys(value), [
    'schema_version',
    'metadata',
    'system_prompt',
    'usage_checksum',
    'x_future',
    'journal',
    'pinned',
  ])
  assert.equal((value as Record<string, unknown>)['schema_version'], 4)
  assert.deepEqual((value as Record<string, unknown>)['x_future'], before.x_future)
  assert.deepEqual(before, JSON.parse(text), 'what was given stays as it was')

  seen.length = 0
  const partly = Session4.upgrade({ schema_version: 3, metadata: { id: 'a' }, journal: {} })
  assert.deepEqual([partly.from, seen], [3, [3]])
  const same = { schema_version: 4, metadata: { id: 'a' }, pinned: true }
  assert.deepEqual(Session4.upgrade(same), { value: same, from: 4, to: 4, changed: false })
})

test('[C2] key order, number text, escapes, line ends, byte order mark and the last line end of files are kept', async (t) => {
  const root = roots.copy(t)
  await state.in(root).upgrade()
  for (const [pattern, kept] of [
    [/\r\n/, /^\{\r\n  "schema_version": 2,(?:[^\n]*\r\n)+\}$/],
    [/^\uFEFF/, /^\uFEFF\{\n  "schema_version": 2,/],
    [/12345678901234567000/, /"usage_checksum": 12345678901234567000,/],
    [/1\.50e-3/, /"cost_usd": 1\.0,\n  "rate": 1\.50e-3,\n  "path": "C:\\u005cwhale\\\/x",/],
    [/\}\n$/, /\}\n$/],
  ] as const)
    assert.match(textOf(root, `sessions/${findSession(pattern)}`), kept)
  // A listing reads the first 64 KB: what it looks for is there, however long the session is.
  for (const name of sessionNames.filter((each) => !(each in leftSessions))) {
    const text = textOf(root, `sessions/${name}`)
    assert.deepEqual(keysOf(text).slice(0, 2), ['schema_version', 'metadata'])
    assert.ok(text.indexOf('"metadata"') < 100)
  }
  assert.ok(sessionNames.some((name) => statSync(join(root, 'sessions', name)).size > 200_000))
})

test('[C3] a rejected record names its domain, the versions and the reason, and never its content', async () => {
  const [newer = '', torn = '', rounded = ''] = Object.keys(leftSessions)
  const file = (name: string): string => join(roots.old, 'sessions', name)
  assert.deepEqual(await rejectionOf(Session.read(file(newer))), {
    record: 'session',
    file: file(newer),
    from: 3,
    to: 2,
    reason: 'it is at version 3, and this program knows 2',
  })
  assert.match((await rejectionOf(Session.read(file(torn)))).reason, /^line \d+, column \d+: /)
  assert.match((await rejectionOf(Session.read(file(rounded)))).reason, /JavaScript would round/)

  const Failing = Session.version(3, z.object({ metadata: z.object({ id: z.string() }) }), {
    up: () => {
      throw new Error('a secret')
    },
  })
  assert.throws(
    () => Failing.upgrade({ schema_version: 1, metadata: { id: 'a' }, messages: [] }),
    (error: unknown) => {
      assert.ok(isMoultError(error, 'RECORD_REJECTED'))
      assert.deepEqual({ ...error.details, reason: '' }, { record: 'session', file: null, from: 1, to: 3, reason: '' })
      assert.doesNotMatch(error.message + error.hint, /secret/)
      assert.equal((error.cause as Error).message, 'a secret')
      return true
    },
  )
})

test('[C4] a newer, a torn and an unholdable session do not take down the listing of the other 49, and stay to the byte', async (t) => {
  const root = roots.copy(t)
  const before = footprint(root)
  const listed: string[] = []
  for (const name of sessionNames) {
    try {
      const { value } = await Session.read(join(root, 'sessions', name))
      listed.push(value.metadata.id)
    } catch (error) {
      assert.ok(isMoultError(error, 'RECORD_REJECTED'))
      assert.ok(name in leftSessions)
    }
  }
  assert.equal(new Set(listed).size, goodSessions)
  assert.deepEqual(footprint(root), before, 'reading writes nothing')
  await state.in(root).upgrade()
  const after = footprint(root)
  for (const name of Object.keys(leftSessions)) assert.equal(after[`sessions/${name}`], before[`sessions/${name}`])
})

test('[C4] a session that is mended comes through at the next upgrade that has something to do, and leaves the list', async (t) => {
  const root = roots.copy(t)
  await state.in(root).upgrade({ target: 'session@1' })
  const [, torn = ''] = Object.keys(leftSessions)
  const listed = async (): Promise<readonly string[]> =>
    (await state.in(root).status()).stores[0]!.left.map(({ file }) => file)
  assert.ok((await listed()).includes(torn))
  const whole = textOf(roots.old, `sessions/${findSession(/"schema_version": 1/)}`)
  writeFileSync(join(root, 'sessions', torn), whole)
  await state.in(root).upgrade()
  assert.ok(!(await listed()).includes(torn))
  assert.equal((await Session.read(join(root, 'sessions', torn))).from, 2)
})

test('[C6] a write is whole or has not happened, wherever the process dies, and leaves no second copy under a name that is listed', async (t) => {
  const name = findSession(/"schema_version": 1/)
  const base = emptyRoot(t)
  copyFileSync(join(roots.old, 'sessions', name), join(base, name))
  const old = textOf(base, name)
  const { value } = await Session.read(join(base, name))
  const done = copyRoot(t, base)
  await Session.write(join(done, name), value)
  const seen = new Set<string>()
  for (let at = 0; ; at++) {
    const root = copyRoot(t, base)
    const fault = failAt({ kind: 'crash', at })
    await Session.write(join(root, name), value).catch(() => undefined)
    fault.heal()
    const found = textOf(root, name)
    assert.ok(found === old || found === textOf(done, name), fault.what())
    seen.add(found)
    assert.deepEqual(
      readdirSync(root).filter((each) => each.endsWith('.json')),
      [name],
    )
    rmSync(root, { recursive: true })
    if (!fault.hit()) break
  }
  assert.equal(seen.size, 2)
})

test('[C6] private files stay private, and a symlink is refused: neither it nor what it names changes', async (t) => {
  const root = roots.copy(t)
  await state.in(root).upgrade()
  for (const name of sessionNames) assert.equal(statSync(join(root, 'sessions', name)).mode & 0o777, 0o600, name)
  const file = join(root, 'sessions', findSession(/"schema_version": 1/))
  const { value } = await Session.read(file)
  await Session.write(file, { ...value, journal: { ...value.journal, leaf_id: null } })
  assert.equal(statSync(file).mode & 0o777, 0o600)
  const link = join(root, 'sessions/link.json')
  symlinkSync(file, link)
  const before = footprint(root)
  await assert.rejects(Session.write(link, value), { code: 'FILE_UNSUPPORTED' })
  await assert.rejects(Session.read(link), { code: 'FILE_UNSUPPORTED' })
  assert.deepEqual(footprint(root), before)
})

test('[C6] the sweep does not follow a symlink in the directory: it is named, and what it leads to stays', async (t) => {
  const root = roots.copy(t)
  const outside = emptyRoot(t)
  const name = findSession(/"schema_version": 1/)
  copyFileSync(join(root, 'sessions', name), join(outside, 'session.json'))
  const before = footprint(outside)
  symlinkSync(join(outside, 'session.json'), join(root, 'sessions/link.json'))
  const { stores } = await state.in(root).upgrade()
  assert.match(stores[0]!.left.find(({ file }) => file === 'link.json')!.reason, /a symlink/)
  assert.deepEqual(footprint(outside), before)
  assert.ok(lstatSync(join(root, 'sessions/link.json')).isSymbolicLink())
  assert.equal(readlinkSync(join(root, 'sessions/link.json')), join(outside, 'session.json'))
})

test('[C7] the registry has the six domains, and the state a store for each of their records', async () => {
  assert.deepEqual(Object.keys(registry), [
    'session',
    'offline_queue',
    'runtime',
    'task',
    'automation',
    'automation_run',
  ])
  for (const [domain, records] of Object.entries(registry))
    for (const { name } of records) assert.ok(name === domain || name.startsWith(`${domain}.`), name)
  const { stores } = await state.in(roots.old).status()
  assert.deepEqual(
    stores.map(({ name, path, head }) => [name, path, head]),
    [
      ['session', 'sessions', 2],
      ['offline_queue', 'sessions/offline_queue.json', 1],
      ['runtime.threads', 'tasks/runtime/threads', 2],
      ['runtime.turns', 'tasks/runtime/turns', 1],
      ['runtime.items', 'tasks/runtime/items', 1],
      ['runtime.events', 'tasks/runtime/events', 1],
      ['task', 'tasks/tasks', 2],
      ['automation', 'automations/automations', 1],
      ['automation_run', 'automations/runs', 1],
    ],
  )
})

test('[C7] a domain without a bump is versioned too, and neither its documents nor those of another store in its directory change', async (t) => {
  const root = roots.copy(t)
  const before = footprint(root)
  await state.in(root).upgrade()
  const after = footprint(root)
  const same = Object.keys(before).filter((path) =>
    /^automations\/.*\.json$|offline_queue\.json$|\/(turns|items|events)\/.*\.jsonl?$|notes\.txt$/.test(path),
  )
  assert.ok(same.length > 200)
  for (const path of same) assert.equal(after[path], before[path], path)
  for (const marker of [
    'automations/automations/.schema-version',
    'automations/runs/.schema-version',
    'sessions/.schema-version',
    'sessions/.offline_queue.schema-version',
  ])
    assert.equal(JSON.parse(textOf(root, marker)).moult, 1)
})

test('[C8] an app that loads one session at a time brings it forward and writes it back; the sweep then leaves it alone', async (t) => {
  const root = roots.copy(t)
  const swept = copyRoot(t, roots.old)
  await state.in(swept).upgrade()
  const name = findSession(/"schema_version": 1/)
  const { from, to, changed } = await Session.read(join(root, 'sessions', name), { writeBack: true })
  assert.deepEqual([from, to, changed], [1, 2, true])
  assert.equal(textOf(root, `sessions/${name}`), textOf(swept, `sessions/${name}`))
  const before = footprint(root)
  assert.equal((await Session.read(join(root, 'sessions', name), { writeBack: true })).changed, false)
  await state.in(root).upgrade()
  assert.equal(footprint(root)[`sessions/${name}`], before[`sessions/${name}`])
})

test('[C9] what a record without a version is has to be said: version 1 for sessions, nothing for tasks', async (t) => {
  const untyped = record as unknown as (name: string, options: object) => unknown
  assert.throws(() => untyped('session', { versionKey: 'schema_version' }), /'unversioned' must say/)

  const root = roots.copy(t)
  await state.in(root).upgrade()
  const unversioned = sessionNames.filter(
    (name) => !(name in leftSessions) && !textOf(roots.old, `sessions/${name}`).includes('schema_version'),
  )
  assert.ok(unversioned.length >= 6)
  for (const name of unversioned) {
    const text = textOf(root, `sessions/${name}`)
    assert.match(text, /^\{\n  "schema_version": 2,\n  "metadata": \{/)
    assert.ok('journal' in JSON.parse(text), 'not taken for the current version: its step ran')
  }
  const task = (await state.in(root).status()).stores.find(({ name }) => name === 'task')
  assert.deepEqual(task?.left, [{ file: 'task_lost.json', reason: "it has no 'schema_version'" }])
  assert.equal(textOf(root, 'tasks/tasks/task_lost.json'), textOf(roots.old, 'tasks/tasks/task_lost.json'))
})

test('[C9] a version that is no version is neither missing nor current', () => {
  for (const version of [null, '1', 0, -1, 1.5, true, {}]) {
    assert.throws(() => Session.upgrade({ schema_version: version, metadata: { id: 'a' }, messages: [] }), {
      code: 'RECORD_REJECTED',
      message: /not a whole number from 1/,
    })
  }
})

test('[C10] the bump of each domain, from the text of an old release to that of this one', async (t) => {
  const root = emptyRoot(t)
  for (const [Record, before, after] of [
    [
      Session,
      '{\n  "metadata": {\n    "id": "s"\n  },\n  "messages": [\n    {\n      "role": "user",\n      "content": [\n        {\n          "type": "text",\n          "text": "hi"\n        }\n      ]\n    }\n  ],\n  "x": 1.0\n}',
      '{\n  "schema_version": 2,\n  "metadata": {\n    "id": "s"\n  },\n  "x": 1.0,\n  "journal": {\n    "entries": [\n      {\n        "id": "s-0",\n        "parent_id": null,\n        "role": "user",\n        "content": [\n          {\n            "type": "text",\n            "text": "hi"\n          }\n        ]\n      }\n    ],\n    "leaf_id": "s-0"\n  }\n}',
    ],
    [
      registry.runtime[0],
      '{"schema_version":1,"id":"t","model":"m","x":null}',
      '{"schema_version":2,"id":"t","model":"m","x":null,"archived":false}',
    ],
    [
      registry.task[0],
      '{ "schema_version": 1, "id": "t", "status": "queued" }',
      '{ "schema_version": 2, "id": "t", "status": "queued", "gates": [] }',
    ],
  ] as const) {
    const file = join(root, `${Record.name}.json`)
    writeFileSync(file, before)
    await Record.read(file, { writeBack: true })
    assert.equal(readFileSync(file, 'utf8'), after)
  }
})
