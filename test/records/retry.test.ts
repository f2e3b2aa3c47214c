import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { directory, records, sqlite } from 'moult'
import type { RunEvent } from 'moult'
import { z } from 'zod'
import { replaceDisk } from '#moult/disk/disk.js'
import type { Disk } from '#moult/disk/disk.js'
import { look, put } from '../disk/tree.js'
import { counts } from './retry-store.js'
import { CountAt1, CountAt4, EventAt2, Memory, memoryText } from './shapes.js'
import { fails, namedBy, stateInRoot } from './state.js'

/** What is done on the disk meanwhile: an operation and its path, or its handle. */
async function watchDisk<T>(work: () => Promise<T>): Promise<{ readonly value: T; readonly seen: readonly string[] }> {
  const seen: string[] = []
  const restore = replaceDisk((real) => {
    const watched = Object.entries(real).map(([name, operation]) => [
      name,
      (...args: unknown[]): unknown => {
        seen.push(`${name} ${String(args[0])}`)
        return (operation as (...given: unknown[]) => unknown)(...args)
      },
    ])
    return Object.fromEntries(watched) as Disk
  })
  try {
    return { value: await work(), seen }
  } finally {
    restore()
  }
}

const names = (left: readonly { readonly file: string }[] | undefined): string[] => (left ?? []).map(({ file }) => file)

for (const how of ['upgrade', 'open'] as const) {
  test(`[C8] a document that was left and is mended is brought forward by the next ${how}`, async (t) => {
    const at = stateInRoot(t)
    put(at.root, { 'counts/a.json': '{"n":1}', 'counts/bad.json': '{"n":2', 'counts/worse.json': '[]' })
    await at.upgrade(counts)
    put(at.root, { 'counts/bad.json': '{"n":2}' })
    const status = await at.status(counts)
    assert.deepEqual([status.status, status.version, status.pending], ['behind', 4, ['left documents']])
    assert.deepEqual(
      (await at.of(counts).plan()).steps.map(({ store, step }) => `${store}/${step}`),
      ['counts/left documents'],
    )
    const report = how === 'upgrade' ? await at.upgrade(counts) : await openReport(at.of(counts))
    assert.equal(report.outcome, 'upgraded')
    assert.deepEqual(
      report.steps.map(({ step, result, changes }) => [step, result, changes.records]),
      [['left documents', 'done', 1]],
    )
    assert.equal(at.text('counts/bad.json'), '{"v":4,"n":50}')
    assert.equal(at.text('counts/a.json'), '{"v":4,"n":30}', 'what was brought forward is not changed twice')
    assert.deepEqual(names(report.stores[0]?.left), ['worse.json'])
    assert.deepEqual([report.stores[0]?.status, report.stores[0]?.pending], ['current', []])
    assert.equal((await at.of(counts).history()).at(-1)?.step, 'left documents')
    assert.equal((await at.upgrade(counts)).outcome, 'up-to-date')
    assert.deepEqual(namedBy(await at.verify(counts)), ['counts/worse.json'])
  })
}

async function openReport(state: ReturnType<ReturnType<typeof stateInRoot>['of']>) {
  const held = await state.open()
  await held.close()
  return held.report
}

test('[C8] a document that was left and is removed comes off the list', async (t) => {
  const at = stateInRoot(t)
  put(at.root, { 'counts/a.json': '{"n":1}', 'counts/bad.json': '{' })
  await at.upgrade(counts)
  fs.unlinkSync(join(at.root, 'counts/bad.json'))
  assert.deepEqual((await at.upgrade(counts)).stores[0]?.left, [])
  assert.equal((await at.upgrade(counts)).outcome, 'up-to-date')
})

test('[G9] a document that nobody has mended costs one lstat a start: it is not read, nothing is written or locked', async (t) => {
  const at = stateInRoot(t)
  put(at.root, { 'counts/a.json': '{"n":1}', 'counts/bad.json': '{' })
  await at.upgrade(counts)
  const before = look(at.root)
  const events: RunEvent[] = []
  const { value: held, seen } = await watchDisk(() => at.of(counts).open({ onEvent: (event) => events.push(event) }))
  await held.close()
  assert.equal(held.report.outcome, 'up-to-date')
  assert.deepEqual(names(held.report.stores[0]?.left), ['bad.json'], 'it is named all the same')
  assert.deepEqual(
    seen.filter((operation) => /counts\/.*json/.test(operation)),
    [`lstat ${join(at.root, 'counts/bad.json')}`],
  )
  assert.ok(!seen.some((operation) => /^(write|rename|mkdir|readdir|fsync)/.test(operation)), seen.join('\n'))
  assert.deepEqual([look(at.root), events], [before, []])

  // Another process has it open, so nobody gets the exclusive lock: who wanted it would wait.
  const other = await at.of(counts).open()
  await (await at.of(counts).open({ waitMs: 0 })).close()
  await other.close()
})

test('[G9] a document that was changed and is still bad is tried once', async (t) => {
  const at = stateInRoot(t)
  put(at.root, { 'counts/bad.json': '{' })
  await at.upgrade(counts)
  put(at.root, { 'counts/bad.json': '{"n":"one"}' })
  const report = await at.upgrade(counts)
  assert.equal(report.outcome, 'upgraded')
  assert.match(report.stores[0]?.left[0]?.reason ?? '', /\$\.n/, 'its reason is the new one')
  assert.equal((await at.upgrade(counts)).outcome, 'up-to-date')
})

test('[C8] a file with several names, and a symlink, are tried again when they are plain files', async (t) => {
  const at = stateInRoot(t)
  put(at.root, { 'counts/linked.json': '{"n":1}', 'elsewhere.json': '{"n":2}' })
  fs.linkSync(join(at.root, 'counts/linked.json'), join(at.root, 'other-name'))
  fs.symlinkSync('../elsewhere.json', join(at.root, 'counts/symlink.json'))
  assert.deepEqual(names((await at.upgrade(counts)).stores[0]?.left), ['symlink.json', 'linked.json'])
  assert.equal((await at.upgrade(counts)).outcome, 'up-to-date')
  fs.unlinkSync(join(at.root, 'other-name'))
  assert.deepEqual(names((await at.upgrade(counts)).stores[0]?.left), ['symlink.json'])
  assert.equal(at.text('counts/linked.json'), '{"v":4,"n":30}')
  fs.renameSync(join(at.root, 'elsewhere.json'), join(at.root, 'counts/symlink.json'))
  assert.deepEqual((await at.upgrade(counts)).stores[0]?.left, [])
})

test('[R5] a document without a version of its own is brought on from where it was left, not from the version of its store', async (t) => {
  const at = stateInRoot(t)
  const memory = records('memory', { path: 'memory', files: '*.json', record: Memory }).adopt('oldest')
  put(at.root, { 'memory/a.json': memoryText('a'), 'memory/b.json': memoryText('b').slice(1) })
  await at.upgrade(memory)
  for (const state of ['{', '{"id":']) {
    put(at.root, { 'memory/b.json': state })
    assert.equal((await at.upgrade(memory)).outcome, 'upgraded')
  }
  assert.equal((await at.status(memory)).left[0]?.at, 1)
  put(at.root, { 'memory/b.json': memoryText('b') })
  assert.deepEqual((await at.upgrade(memory)).stores[0]?.left, [])
  assert.equal(JSON.parse(at.text('memory/b.json')).reinforcementCount, 1)
  assert.equal(JSON.parse(at.text('memory/a.json')).reinforcementCount, 1)
})

test('[G9] [C8] a log with a bad line may grow without being tried at each start; when the line is mended it is', async (t) => {
  const at = stateInRoot(t)
  const events = records('events', { path: 'events', files: '*.jsonl', each: 'line', record: EventAt2 })
  const log = join(at.root, 'events/a.jsonl')
  put(at.root, { 'events/a.jsonl': '{"seq":1,"event":"a"}\n{"seq":2,"event":\n\n{"seq":3,"event":"c"}\n{"seq":4,"ev' })
  assert.deepEqual(names((await at.upgrade(events)).stores[0]?.left), ['a.jsonl:2', 'a.jsonl:5'])
  assert.equal((await at.upgrade(events)).outcome, 'up-to-date', 'the run itself wrote its other lines')
  for (let seq = 5; seq < 2000; seq++) fs.appendFileSync(log, `\n{"schema_version":2,"seq":${seq},"kind":"x"}`)
  const { value, seen } = await watchDisk(() => at.upgrade(events))
  assert.equal(value.outcome, 'up-to-date', 'also after a torn line was ended')
  assert.ok(seen.filter((operation) => operation.startsWith('read ')).length < 20, 'the log is not read through')

  const text = at.text('events/a.jsonl')
  fs.writeFileSync(log, text.replace('{"seq":2,"event":', '{"seq":2,"event":"b"}'))
  const report = await at.upgrade(events)
  assert.deepEqual(names(report.stores[0]?.left), ['a.jsonl:5'])
  assert.equal(at.text('events/a.jsonl').split('\n')[1], '{"schema_version":2,"seq":2,"kind":"b"}')
  fs.writeFileSync(log, at.text('events/a.jsonl').replace('{"seq":4,"ev', '{"seq":4,"event":"d"}'))
  assert.deepEqual((await at.upgrade(events)).stores[0]?.left, [])
})

test('[C8] a torn line that somebody went on writing is another line', async (t) => {
  const at = stateInRoot(t)
  const events = records('events', { path: 'events', files: '*.jsonl', each: 'line', record: EventAt2 })
  put(at.root, { 'events/a.jsonl': '{"seq":1,"event":"a"}\n{"seq":2,' })
  await at.upgrade(events)
  fs.appendFileSync(join(at.root, 'events/a.jsonl'), '"event":"b"}\n')
  assert.deepEqual((await at.upgrade(events)).stores[0]?.left, [])
})

test('[G9] [C8] an array with a bad element may change around it; when the element is mended it is tried', async (t) => {
  const at = stateInRoot(t)
  const tasks = records('tasks', { path: 'tasks.json', each: 'element', record: CountAt4 })
  put(at.root, { 'tasks.json': '[{"n":1}, {"v":9}]' })
  await at.upgrade(tasks)
  assert.equal((await at.upgrade(tasks)).outcome, 'up-to-date')
  put(at.root, { 'tasks.json': '[{"v":4,"n":31}, {"v":9}, {"v":4,"n":7}]' })
  assert.equal((await at.upgrade(tasks)).outcome, 'up-to-date')
  put(at.root, { 'tasks.json': '[{"v":4,"n":31}, {"n":1}, {"v":4,"n":7}]' })
  assert.deepEqual((await at.upgrade(tasks)).stores[0]?.left, [])
  assert.equal(at.text('tasks.json'), '[{"v":4,"n":31}, {"v":4,"n":30}, {"v":4,"n":7}]')
})

test('[G9] whoever may not upgrade is not kept out by what could be tried again', async (t) => {
  const at = stateInRoot(t)
  put(at.root, { 'counts/bad.json': '{' })
  await at.upgrade(counts)
  put(at.root, { 'counts/bad.json': '{"n":2}' })
  const before = look(at.root)
  for (const options of [{ onPending: 'refuse' }, { access: 'read' }, { onPending: 'continue' }] as const) {
    const held = await at.of(counts).open(options)
    assert.deepEqual(held.report.stores[0]?.pending, ['left documents'])
    await held.close()
  }
  assert.deepEqual(look(at.root), before)
})

test('[G9] [G5] an app starts beside another that has the state open: what was mended is tried by a later start', async (t) => {
  const at = stateInRoot(t)
  put(at.root, { 'counts/bad.json': '{' })
  await at.upgrade(counts)
  const first = await at.of(counts).open()
  put(at.root, { 'counts/bad.json': '{"n":2}' })
  const events: RunEvent[] = []
  const startedAt = performance.now()
  const second = await at.of(counts).open({ onEvent: (event) => events.push(event) })
  assert.ok(performance.now() - startedAt < 5000, 'it does not wait for the other')
  assert.deepEqual([second.report.outcome, at.text('counts/bad.json')], ['up-to-date', '{"n":2}'])
  assert.deepEqual(
    events.map((event) => event.type === 'warning' && event.code),
    ['IN_USE'],
  )
  await second.close()
  await first.close()
  await (await at.of(counts).open()).close()
  assert.equal(at.text('counts/bad.json'), '{"v":4,"n":50}')
})

test('[G3] a mended document that a change cannot bear fails the upgrade and is named, but does not keep the app from starting', async (t) => {
  const at = stateInRoot(t)
  const Count = z.object({ n: z.number() })
  const fragile = CountAt1.version(2, Count, {
    up: (count) => {
      if (count.n === 13) throw new Error('no')
      return count
    },
  })
  const store = records('counts', { path: 'counts', files: '*.json', record: fragile })
  put(at.root, { 'counts/a.json': '{"n":1}', 'counts/bad.json': '{' })
  await at.upgrade(store)
  put(at.root, { 'counts/bad.json': '{"n":13}' })
  const before = look(at.root)
  await assert.rejects(at.upgrade(store), fails('STEP_FAILED', /bad\.json.*as it was before/))
  const held = await at.of(store).open()
  assert.deepEqual([held.report.outcome, held.report.stores[0]?.status], ['up-to-date', 'behind'])
  await held.close()
  assert.deepEqual(look(at.root), before)
})

test('[C8] a step of another store that reads the records sees what was mended', async (t) => {
  const at = stateInRoot(t)
  put(at.root, { 'counts/a.json': '{"n":1}', 'counts/bad.json': '{' })
  const index = sqlite('index', { path: 'index.db' }).step('create', { up: 'CREATE TABLE count(n INTEGER)' })
  await at.of(index, counts).upgrade()
  put(at.root, { 'counts/bad.json': '{"n":2}' })
  const sums: number[] = []
  const reading = index.step('sum', {
    reads: { counts: counts.at(4) },
    async up({ stores }) {
      for await (const { value } of stores.counts.all()) sums.push(value.n)
    },
  })
  const report = await at.of(reading, counts).upgrade()
  assert.deepEqual(
    report.steps.map(({ store, step }) => `${store}/${step}`),
    ['counts/left documents', 'index/sum'],
  )
  assert.deepEqual(sums, [30, 50])
})

test('[C8] a store that an upgrade is not asked for is left alone, and so is one with steps of its own to run', async (t) => {
  const at = stateInRoot(t)
  const notes = directory('notes', { path: 'notes' }).step('first', { up: async ({ files }) => files.write('a', 'a') })
  const older = records('counts', { path: 'counts', files: '*.json', record: CountAt1 })
  put(at.root, { 'counts/bad.json': '{' })
  await at.of(older).upgrade()
  put(at.root, { 'counts/bad.json': '{"n":2}' })
  await at.of(older, notes).upgrade({ target: 'notes@first' })
  assert.deepEqual((await at.status(older)).pending, ['left documents'])
  const report = await at.upgrade(counts)
  assert.deepEqual(
    report.steps.map(({ step }) => step),
    ['v2', 'v3', 'v4'],
  )
  assert.deepEqual(report.stores[0]?.left, [])
})

test('[G8] a step that writes to the records keeps an eye on those that were left', async (t) => {
  const at = stateInRoot(t)
  put(at.root, { 'counts/a.json': '{"n":1}', 'counts/bad.json': '{', 'counts/gone.json': '{' })
  const index = sqlite('index', { path: 'index.db' }).step('create', { up: 'CREATE TABLE count(n INTEGER)' })
  await at.of(index, counts).upgrade()
  const writing = index.step('put', {
    writes: { counts: counts.at(4) },
    async up({ stores }) {
      // A person mends one while the step runs: nothing has tried it.
      put(at.root, { 'counts/bad.json': '{"n":2}' })
      await stores.counts.delete('gone.json')
    },
  })
  await at.of(writing, counts).upgrade()
  assert.deepEqual((await at.of(writing, counts).status()).stores[1]?.pending, ['left documents'])
  await at.of(writing, counts).upgrade()
  assert.equal(at.text('counts/bad.json'), '{"v":4,"n":50}')
  assert.deepEqual((await at.of(writing, counts).status()).stores[1]?.left, [])
})

test('[G8] a marker that says nothing of how documents were left has them tried once; nonsense in it is unreadable', async (t) => {
  const at = stateInRoot(t)
  put(at.root, { 'counts/bad.json': '{' })
  await at.upgrade(counts)
  const marker = join(at.root, 'counts/.schema-version')
  const change = (left: object): void => {
    fs.writeFileSync(marker, JSON.stringify({ ...JSON.parse(fs.readFileSync(marker, 'utf8')), left: [left] }))
  }
  change({ file: 'bad.json', reason: 'it is bad' })
  assert.equal((await at.upgrade(counts)).outcome, 'upgraded')
  assert.equal((await at.upgrade(counts)).outcome, 'up-to-date')
  change({ file: '../../../etc/passwd', reason: 'x', seen: '1:2:1' })
  assert.deepEqual(names((await at.upgrade(counts)).stores[0]?.left), ['bad.json'])
  for (const left of [
    { file: 'bad.json', reason: 'x', seen: 1 },
    { file: 'bad.json', reason: 'x', at: '1' },
  ]) {
    change(left)
    await assert.rejects(at.upgrade(counts), fails('MARKER_UNREADABLE'))
  }
})

test('[G1] killed while it tries again, the next start finishes', async (t) => {
  const child = fileURLToPath(new URL('./retry-child.js', import.meta.url))
  const at = stateInRoot(t)
  put(at.root, { 'counts/a.json': '{"n":1}', 'counts/bad.json': '{', 'counts/worse.json': '[]' })
  await at.upgrade(counts)
  put(at.root, { 'counts/bad.json': '{"n":2}' })
  const copy = (): ReturnType<typeof stateInRoot> => {
    const other = stateInRoot(t)
    fs.cpSync(at.root, other.root, { recursive: true, preserveTimestamps: true })
    return other
  }
  const whole = JSON.parse(execFileSync(process.execPath, [child, copy().root, '0'], { encoding: 'utf8' }))
  assert.equal(whole.outcome, 'upgraded')
  // A run may do a few operations less than the one that was counted: it looks twice at what was just written
  for (let operation = whole.operations - 8; operation > 0; operation -= Math.ceil(whole.operations / 12)) {
    const killed = copy()
    assert.equal(spawnSync(process.execPath, [child, killed.root, String(operation)]).signal, 'SIGKILL')
    await killed.upgrade(counts)
    assert.equal(killed.text('counts/bad.json'), '{"v":4,"n":50}', `operation ${operation}`)
    assert.deepEqual(names((await killed.status(counts)).left), ['worse.json'])
    assert.equal((await killed.upgrade(counts)).outcome, 'up-to-date')
  }
})

test('[C8] at the version that only its own program knows nothing is tried: a newer program left it there', async (t) => {
  const at = stateInRoot(t)
  put(at.root, { 'counts/a.json': '{"n":1}', 'counts/bad.json': '{' })
  const Count = z.object({ n: z.number() })
  const newer = records('counts', {
    path: 'counts',
    files: '*.json',
    record: CountAt4.version(5, Count, { additive: true, up: (count) => count }),
  })
  await at.upgrade(newer)
  put(at.root, { 'counts/bad.json': '{"n":2}' })
  const report = await at.upgrade(counts)
  assert.deepEqual([report.outcome, report.stores[0]?.status, report.stores[0]?.pending], ['up-to-date', 'newer', []])
})
