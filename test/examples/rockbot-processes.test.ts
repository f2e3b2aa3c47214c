import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { defineState } from 'moult'
import { examples } from '../../examples/index.js'
import { skills, tasks } from '../../examples/rockbot/framework/index.js'
import { memory } from '../../examples/rockbot/framework/memory.js'
import { contacts, crm, state } from '../../examples/rockbot/state.js'
import { failAt } from '../disk/fault-disk.js'
import type { FaultyDisk } from '../disk/fault-disk.js'
import { openDatabase } from '../support/sqlite.js'
import { copyRoot, emptyRoot, filesIn, oldRoots } from './old-roots.js'

const example = examples.find(({ name }) => name === 'rockbot')!
const roots = oldRoots(example)

const host = `
  import { state } from ${JSON.stringify(new URL('../../examples/rockbot/state.js', import.meta.url).href)}
  const [root, how] = process.argv.slice(1)
  const agent = state.in(root)
  const options = { waitMs: 60_000 }
  const held = how === 'host' ? await agent.open(options) : null
  const report = held?.report ?? (await agent.upgrade(options))
  const steps = report.steps.map(({ store, track, step, result }) => [store, track, step, result].join('/'))
  console.log(JSON.stringify({ outcome: report.outcome, steps, current: report.stores.every(({ status }) => status === 'current') }))
  if (held) await new Promise((resolve) => process.stdin.once('data', resolve).resume())
  await held?.close()
  process.stdin.destroy()
`

interface Started {
  readonly outcome: string
  readonly steps: readonly string[]
  readonly current: boolean
}

/** A real process. A host goes on with the state until it is told to stop. */
function start(
  t: TestContext,
  root: string,
  how: 'init' | 'host',
): { said: Promise<Started>; stop(): Promise<number | null> } {
  const child = spawn(process.execPath, ['--input-type=module', '-e', host, root, how], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve))
  const said = new Promise<Started>((resolve, reject) => {
    let text = ''
    child.stdout.on('data', (data: Buffer) => {
      text += data.toString()
      if (text.endsWith('\n')) resolve(JSON.parse(text) as Started)
    })
    void ended.then((code) => reject(new Error(`it ended with ${code} before it said anything`)))
  })
  return {
    said,
    stop: () => {
      if (how === 'host') child.stdin.end('stop\n')
      return ended
    },
  }
}

for (const order of [
  ['init', 'host'],
  ['host', 'init'],
  ['host', 'host'],
] as const)
  test(`[R10] ${order[0]} and ${order[1]} start together on one old volume: each step runs once, the loser waits and sees current`, async (t) => {
    const root = roots.copy(t)
    const children = order.map((how) => start(t, root, how))
    const reports = await Promise.all(children.map(({ said }) => said))
    assert.deepEqual(reports.map(({ outcome }) => outcome).sort(), ['up-to-date', 'upgraded'])
    assert.ok(reports.every(({ current }) => current))
    const steps = reports.flatMap((report) => report.steps)
    assert.equal(new Set(steps).size, steps.length)
    assert.equal(reports.find(({ outcome }) => outcome === 'up-to-date')?.steps.length, 0)
    const history = await state.in(root).history()
    assert.equal(history.length, steps.length)
    for (const child of children) assert.equal(await child.stop(), 0)
    assert.deepStrictEqual(example.readContent(root), example.expectedContent(roots.old))
  })

/** A state of a part of the stores, with few files, so that it can be upgraded hundreds of times. */
async function smallRoot(t: TestContext, paths: readonly string[]): Promise<string> {
  const root = emptyRoot(t)
  for (const path of paths) {
    mkdirSync(join(root, path, '..'), { recursive: true })
    writeFileSync(join(root, path), readFileSync(join(roots.old, path)))
  }
  return root
}

const contentOf = (root: string): Record<string, string> =>
  Object.fromEntries(
    filesIn(root, '.')
      .filter((path) => !/^\.moult\/|schema(-version)?$|\.db/.test(path))
      .map((path) => [path, readFileSync(join(root, path), 'utf8')]),
  )

/** A process that dies lets go of its lock. This one lives on, so the last thing of a run is not taken from it. */
const isAtItsEnd = (fault: FaultyDisk): boolean => !fault.hit() || /^unlink .*owner\.json$/.test(fault.what())

test('[R11] the move from skills to tasks is whole or has not begun, wherever the process dies', async (t) => {
  const base = await smallRoot(t, [
    'scheduled-tasks.json',
    'skills/patrol/proactive-actions.json',
    'skills/patrol/weekly-review.json',
    'skills/plan-trip.json',
  ])
  const agent = defineState({ app: 'rockbot', stores: [skills, tasks] })
  await agent.in(base).upgrade({ target: 'skills@resources' })
  const before = contentOf(base)
  const done = copyRoot(t, base)
  await agent.in(done).upgrade()
  const after = contentOf(done)
  assert.equal(Object.keys(before).length - Object.keys(after).length, 4, 'two skills with their texts are gone')

  const seen = { before: 0, after: 0 }
  for (let at = 0; ; at++) {
    const root = copyRoot(t, base)
    const fault = failAt({ kind: 'crash', at })
    await agent
      .in(root)
      .upgrade()
      .catch(() => undefined)
    fault.heal()
    if (isAtItsEnd(fault)) break
    // Finishes or undoes what was cut off, and does nothing else.
    await agent.in(root).upgrade({ target: 'skills@resources' })
    const found = contentOf(root)
    const isAfter = Object.keys(found).length === Object.keys(after).length
    assert.deepEqual(found, isAfter ? after : before, fault.what())
    seen[isAfter ? 'after' : 'before']++
    await agent.in(root).upgrade()
    assert.deepEqual(contentOf(root), after, fault.what())
    rmSync(root, { recursive: true })
  }
  assert.ok(seen.before > 10 && seen.after > 3, JSON.stringify(seen))
})

test("[R11] the database's COMMIT decides for the cards too: rows and files change together, wherever the process dies", async (t) => {
  const memories = filesIn(roots.old, 'memory').filter(
    (path) => path.startsWith('user/family/') && path.endsWith('.json'),
  )
  const base = await smallRoot(t, [
    'crm.db',
    'contacts/c000.json',
    'contacts/c001.json',
    'contacts/c002.json',
    ...memories.slice(0, 3).map((path) => `memory/${path}`),
  ])
  const agent = defineState({ app: 'rockbot', stores: [memory, contacts, crm] })
  await agent.in(base).upgrade({ target: ['memory@2', 'contacts@0', 'crm@create'] })

  const seen = { before: 0, after: 0 }
  for (let at = 0; ; at++) {
    const root = copyRoot(t, base)
    const fault = failAt({ kind: 'crash', at })
    await agent
      .in(root)
      .upgrade()
      .catch(() => undefined)
    fault.heal()
    if (isAtItsEnd(fault)) break
    await agent.in(root).upgrade({ target: 'memory@2' })
    const db = openDatabase(join(root, 'crm.db'))
    const [row] = db.all("SELECT count(*) AS count FROM customer WHERE id LIKE 'c%'")
    db.close()
    const cards = readdirSync(join(root, 'contacts')).filter((name) => name.endsWith('.json')).length
    assert.ok(
      (row?.['count'] === 0 && cards === 3) || (row?.['count'] === 3 && cards === 0),
      `${fault.what()}: ${cards} cards, ${String(row?.['count'])} rows`,
    )
    seen[cards === 0 ? 'after' : 'before']++
    const { stores } = await agent.in(root).upgrade()
    assert.ok(stores.every(({ status }) => status === 'current'))
    rmSync(root, { recursive: true })
  }
  assert.ok(seen.before > 10 && seen.after > 3, JSON.stringify(seen))
})
