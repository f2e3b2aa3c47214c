import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { commitFiles } from '#moult/disk/commit-files.js'
import { disk } from '#moult/disk/disk.js'
import { openOverlay } from '#moult/disk/overlay.js'
import { finishCommit, readCommits, redoCommit, reverseCommit } from '#moult/disk/recover-commits.js'
import { removeRunFolder } from '#moult/disk/run-folder.js'
import { openStaging } from '#moult/disk/staging.js'
import { replaceFile } from '#moult/disk/write-file.js'
import { isMoultError } from '#moult/model/errors.js'
import { Crash, failAt } from './fault-disk.js'
import { claimOf, look, makeRoot, put, settleTimes } from './tree.js'

type Operation =
  | { readonly do: 'write'; readonly path: string; readonly text: string }
  | { readonly do: 'move'; readonly path: string; readonly to: string }
  | { readonly do: 'remove'; readonly path: string }

interface Scenario {
  readonly files: Readonly<Record<string, string>>
  readonly operations: readonly Operation[]
  readonly hasDecider: boolean
}

const names = ['a', 'b', 'c', 'A', 'm', 'd/x', 'd/y', 'd/e/z', 'a/q', 'b/r', 'd/e', 'd']

function scenario(seed: number): Scenario {
  let state = seed * 2654435761
  const random = (below: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
    return (state >> 8) % below
  }
  const pick = (): string => names[random(names.length)] ?? 'a'
  const files: Record<string, string> = {}
  for (let n = 0; n < 6; n += 1) {
    const path = pick()
    const fits = Object.keys(files).every((other) => !other.startsWith(`${path}/`) && !path.startsWith(`${other}/`))
    if (fits) files[path] = `old ${path}`
  }
  const operations = Array.from({ length: 1 + random(8) }, (_, n): Operation => {
    const kind = random(5)
    if (kind <= 1) return { do: 'move', path: pick(), to: pick() }
    if (kind === 2) return { do: 'remove', path: pick() }
    return { do: 'write', path: pick(), text: `new ${n}` }
  })
  return { files, operations, hasDecider: random(2) === 1 }
}

/** Named cases that random ones seldom meet. */
const cases: readonly Scenario[] = [
  // A swap through a third name.
  {
    files: { a: '1', b: '2' },
    operations: [
      { do: 'move', path: 'a', to: 't' },
      { do: 'move', path: 'b', to: 'a' },
      { do: 'move', path: 't', to: 'b' },
    ],
    hasDecider: false,
  },
  // Protocol 4's counter-example: m to b, then a new m.
  {
    files: { m: 'OLD' },
    operations: [
      { do: 'move', path: 'm', to: 'b' },
      { do: 'write', path: 'm', text: 'NEW' },
    ],
    hasDecider: true,
  },
  // File to directory and back.
  {
    files: { a: '1', 'd/e/x': '2' },
    operations: [
      { do: 'move', path: 'a', to: 't' },
      { do: 'move', path: 't', to: 'a/deep/t' },
      { do: 'remove', path: 'd' },
      { do: 'write', path: 'd', text: 'file' },
    ],
    hasDecider: false,
  },
  // A case-only rename, and a whole directory that moves.
  {
    files: { a: '1', 'd/x': '2', 'd/e/y': '3' },
    operations: [
      { do: 'move', path: 'a', to: 'A' },
      { do: 'move', path: 'd', to: 'f/g' },
    ],
    hasDecider: true,
  },
]

interface Place {
  readonly root: string
  readonly store: string
  readonly runFolder: string
  readonly deciderPath: string
}

function setUp(root: string, { files }: Scenario): Place {
  fs.rmSync(root, { recursive: true, force: true })
  const store = join(root, 's')
  const runFolder = join(root, '.moult', 'run')
  fs.mkdirSync(store, { recursive: true })
  fs.mkdirSync(runFolder, { recursive: true })
  put(store, files)
  put(store, { '.schema-version': '1' }, 0o600)
  settleTimes(root)
  return { root, store, runFolder, deciderPath: join(root, '.moult', 'decider') }
}

const commitId = 'id-1'

async function runCommit({ root, runFolder, deciderPath }: Place, { operations, hasDecider }: Scenario): Promise<void> {
  const claim = claimOf('s')
  const staging = await openStaging({ root, runFolder, store: 's', base: 's' })
  const overlay = openOverlay({ root, claim, staging })
  for (const operation of operations) {
    try {
      if (operation.do === 'write') overlay.write(operation.path, Buffer.from(operation.text))
      else if (operation.do === 'move') await overlay.move(operation.path, operation.to)
      else await overlay.remove(operation.path)
    } catch (error) {
      if (!['ENOENT', 'EEXIST', 'ENOTDIR', 'EISDIR', 'EINVAL'].includes((error as { code?: string }).code ?? ''))
        throw error
    }
  }
  overlay.writeMarker(Buffer.from('2'))
  await commitFiles({
    root,
    runFolder,
    number: 0,
    overlays: [overlay],
    decider: hasDecider ? { store: 'db', path: 'db.sqlite', commitId } : null,
    decide: async () => {
      replaceFile(deciderPath, commitId)
      return 'committed'
    },
    fence: () => {},
  })
}

async function recover({ root, runFolder, deciderPath }: Place): Promise<void> {
  if (!fs.existsSync(runFolder)) return
  for (const commit of readCommits(runFolder)) {
    if (commit.isDone) continue
    if (commit.isDecided) await finishCommit(root, runFolder, commit)
    else if (commit.decider === null || hasDecided(deciderPath)) await redoCommit(root, runFolder, commit)
    else await reverseCommit(root, runFolder, commit)
  }
  await removeRunFolder(root, [])
}

function hasDecided(deciderPath: string): boolean {
  return fs.existsSync(deciderPath) && fs.readFileSync(deciderPath, 'utf8') === commitId
}

/** What the tree is before and after, found out by an undisturbed run. Directory times after it are its own. */
async function expectations(
  root: string,
  plan: Scenario,
): Promise<{ old: Record<string, string>; next: Record<string, string> }> {
  const place = setUp(root, plan)
  const old = look(place.store)
  await runCommit(place, plan)
  await recover(place)
  assert.equal(fs.existsSync(place.runFolder), false)
  return { old, next: look(place.store, { times: false }) }
}

function assertOldOrNew(
  place: Place,
  plan: Scenario,
  { old, next }: Awaited<ReturnType<typeof expectations>>,
  what: string,
): void {
  const now = look(place.store, { times: false })
  const isNew = now['.schema-version']?.endsWith(' 2') === true
  if (plan.hasDecider) assert.equal(isNew, hasDecided(place.deciderPath), `${what}: the files and the decider agree`)
  if (isNew) {
    assert.deepEqual(now, next, what)
    assertSettledTimes(place, old, what)
  } else {
    assert.deepEqual(withoutTimes(look(place.store)), withoutTimes(old), what)
    assert.deepEqual(look(place.store), old, what)
  }
}

/** A file that was there before, moved or not, keeps its mtime. */
function assertSettledTimes(place: Place, old: Record<string, string>, what: string): void {
  const before = new Set(Object.values(old).filter((text) => text.includes('old ')))
  for (const [path, text] of Object.entries(look(place.store))) {
    if (!path.endsWith('/') && text.includes('old '))
      assert.ok(before.has(text), `${what}: ${path} keeps its mtime and mode`)
  }
}

function withoutTimes(seen: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(seen).map(([path, text]) => [path, text.replace(/ \d+/, '')]))
}

function isCrash(error: unknown): boolean {
  return error instanceof Crash || isMoultError(error, 'UNFINISHED') || isMoultError(error)
}

/** Crashes a run at every operation, its recovery at every so many, and looks at what the start after that finds. */
async function crashEverywhere(root: string, plan: Scenario, label: string): Promise<number> {
  const wanted = await expectations(root, plan)
  let crashes = 0
  for (let at = 0; ; at += 1) {
    let recoveryAt = label.startsWith('seed') ? at % 9 : 0
    for (;;) {
      const place = setUp(root, plan)
      // The same run, seen anew: times differ from set-up to set-up.
      const old = look(place.store)
      const crash = failAt({ kind: 'crash', at })
      let failure: unknown = null
      try {
        await runCommit(place, plan)
      } catch (error) {
        failure = error
      } finally {
        crash.heal()
      }
      if (failure !== null && !isCrash(failure)) throw failure
      if (!crash.hit()) {
        assert.equal(failure, null)
        return crashes
      }
      crashes += 1
      const what = `${label}, crash at ${at} (${crash.what()}), recovery at ${recoveryAt}`
      const again = failAt({ kind: 'crash', at: recoveryAt })
      try {
        await recover(place)
      } catch (error) {
        if (!isCrash(error)) throw error
      } finally {
        again.heal()
      }
      await recover(place)
      assertOldOrNew(place, plan, { old, next: wanted.next }, what)
      // The named cases crash at every operation of the recovery of every third crash.
      if (!again.hit() || label.startsWith('seed') || at % 3 !== 0) break
      recoveryAt += 1
    }
  }
}

/** Lets operation n fail, once or from then on: before the decision all is as it was, after it a later start ends it. */
async function failEverywhere(
  root: string,
  plan: Scenario,
  label: string,
  code: 'EIO' | 'ENOSPC',
  forEver: boolean,
): Promise<void> {
  const wanted = await expectations(root, plan)
  for (let at = 0; ; at += 1) {
    const place = setUp(root, plan)
    const old = look(place.store)
    const fault = failAt({ kind: 'error', code, at, forEver })
    let failure: unknown = null
    try {
      await runCommit(place, plan)
    } catch (error) {
      failure = error
    } finally {
      fault.heal()
    }
    if (!fault.hit()) return
    const what = `${label}, ${code} at ${at} (${fault.what()})${forEver ? ' and from then on' : ''}: ${String(failure)}`
    if (failure === null) {
      assert.deepEqual(look(place.store, { times: false }), wanted.next, what)
    } else if (isMoultError(failure, 'UNFINISHED')) {
      assert.ok(readCommits(place.runFolder).length <= 1, what)
      await recover(place)
      assertOldOrNew(place, plan, { old, next: wanted.next }, what)
    } else {
      assert.deepEqual(look(place.store), old, what)
      if (fs.existsSync(place.runFolder)) assert.deepEqual(readCommits(place.runFolder), [], what)
    }
  }
}

const root = makeRoot()
test.after(() => fs.rmSync(root, { recursive: true, force: true }))
const none: readonly number[] = []
/** Seeds that failed once. */
const failingSeeds = none

test('[G1] [P4] a crash at any operation of a commit, and again in its recovery, leaves the old tree or the new one', async () => {
  for (const [index, plan] of cases.entries()) {
    for (const hasDecider of [false, true]) await crashEverywhere(root, { ...plan, hasDecider }, `case ${index}`)
  }
})

test('[G1] [P4] random commits crash at every operation and are whole after the next start', async () => {
  let crashes = 0
  const seeds = Array.from({ length: 40 }, (_, index) => index + 1)
  for (const seed of [...failingSeeds, ...seeds]) crashes += await crashEverywhere(root, scenario(seed), `seed ${seed}`)
  assert.ok(crashes > 500)
})

for (const code of ['EIO', 'ENOSPC'] as const) {
  for (const forEver of [false, true]) {
    test(`[G3] [P14] ${code} at any operation, ${forEver ? 'from then on' : 'once'}: all as before, or unfinished and ended later`, async () => {
      for (const [index, plan] of cases.entries()) {
        for (const hasDecider of [false, true])
          await failEverywhere(root, { ...plan, hasDecider }, `case ${index}`, code, forEver)
      }
      for (let seed = 101; seed <= 112; seed += 1)
        await failEverywhere(root, scenario(seed), `seed ${seed}`, code, forEver)
    })
  }
}

test('[P5] a decider that rolled back takes the files back with it', async () => {
  const plan = cases[1] as Scenario
  const place = setUp(root, plan)
  const old = look(place.store)
  const staging = await openStaging({ root, runFolder: place.runFolder, store: 's', base: 's' })
  const overlay = openOverlay({ root, claim: claimOf('s'), staging })
  overlay.write('m', Buffer.from('other'))
  await overlay.move('m', 'd/m')
  const decider = { store: 'db', path: 'db.sqlite', commitId }
  const request = { root, runFolder: place.runFolder, number: 0, overlays: [overlay], decider, fence: () => {} }
  await assert.rejects(commitFiles({ ...request, decide: async () => 'rolled-back' }), { code: 'TRANSACTION_LOST' })
  assert.deepEqual(look(place.store), old)
  assert.deepEqual(readCommits(place.runFolder), [])
})

test('[P14] a decider that does not answer leaves the commit to the next start', async () => {
  const place = setUp(root, cases[1] as Scenario)
  const staging = await openStaging({ root, runFolder: place.runFolder, store: 's', base: 's' })
  const overlay = openOverlay({ root, claim: claimOf('s'), staging })
  await overlay.move('m', 'd/m')
  const decider = { store: 'db', path: 'db.sqlite', commitId }
  const request = { root, runFolder: place.runFolder, number: 0, overlays: [overlay], decider, fence: () => {} }
  const decide = async (): Promise<'committed'> => {
    throw new Error('SQLITE_IOERR')
  }
  await assert.rejects(commitFiles({ ...request, decide }), { code: 'UNFINISHED' })
  const [commit] = readCommits(place.runFolder)
  assert.deepEqual([commit?.isDecided, commit?.decider], [false, decider])
  assert.ok(disk.lstat(place.runFolder).isDirectory())
})
