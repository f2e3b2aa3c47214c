import assert from 'node:assert/strict'
import { chmodSync, cpSync, existsSync, mkdtempSync, readdirSync, realpathSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { after } from 'node:test'
import type { TestContext } from 'node:test'
import { isMoultError } from 'moult'
import type { ErrorCode, RunReport } from 'moult'
import type { Example } from '../../examples/index.js'
import { footprint } from '../support/footprint.js'

/** Memory where there is one: nothing here asks what a power cut leaves. */
const fastFolder = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

function makeFolder(): string {
  return realpathSync(mkdtempSync(join(fastFolder, 'moult-example-')))
}

/** The old state of an example, made once a file, and copies of it for each test. */
export interface OldRoots {
  /** Nobody changes this one. */
  readonly old: string
  copy(t: TestContext): string
}

export function oldRoots({ makeOldState }: Example): OldRoots {
  const old = makeFolder()
  makeOldState(old)
  after(() => rmSync(old, { recursive: true, force: true }))
  return { old, copy: (t) => copyRoot(t, old) }
}

/** A copy with modes and times, gone after the test. */
export function copyRoot(t: TestContext, from: string): string {
  const root = emptyRoot(t)
  cpSync(from, root, { recursive: true, preserveTimestamps: true })
  // From Node 24 on it gives directories the mode of new ones
  for (const entry of readdirSync(from, { recursive: true, withFileTypes: true })) {
    if (!entry.isDirectory()) continue
    const path = join(entry.parentPath, entry.name)
    chmodSync(join(root, relative(from, path)), statSync(path).mode & 0o7777)
  }
  return root
}

export function emptyRoot(t: TestContext): string {
  const root = makeFolder()
  t.after(() => rmSync(root, { recursive: true, force: true }))
  return root
}

/** Paths of all files in a folder of a root, relative to the folder, sorted. */
export function filesIn(root: string, folder: string): string[] {
  const base = join(root, folder)
  return readdirSync(base, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(base, join(entry.parentPath, entry.name)))
    .sort()
}

/** Upgrades an old state and looks at everything: contents, what was not to be touched, status, a second upgrade, verify. */
export async function checkUpgrade(example: Example, { old }: OldRoots, root: string): Promise<RunReport> {
  const state = example.state.in(root)
  const before = footprint(root)
  const report = await state.upgrade()
  assert.equal(report.outcome, 'upgraded')
  assert.deepStrictEqual(example.readContent(root), example.expectedContent(old))
  checkUntouched(before, footprint(root))
  for (const { name, status, pending } of (await state.status()).stores) {
    assert.equal(status, 'current', name)
    assert.deepEqual(pending, [], name)
  }
  const upgraded = footprint(root)
  const second = await state.upgrade()
  assert.equal(second.outcome, 'up-to-date')
  assert.deepEqual(second.steps, [])
  assert.deepEqual(
    (await state.verify()).problems.map(({ store }) => store),
    second.stores.flatMap(({ name, left }) => left.map(() => name)),
    'verify names what was left, and nothing else',
  )
  assert.deepEqual(footprint(root), upgraded)
  return report
}

/** A file that has the same bytes in the same place has its mode and its time too. */
function checkUntouched(before: Readonly<Record<string, string>>, after: Readonly<Record<string, string>>): void {
  const digestOf = (print: string | undefined): string => print?.split(' ')[2] ?? ''
  const same = Object.keys(before).filter(
    (path) => digestOf(before[path]) !== '' && digestOf(before[path]) === digestOf(after[path]),
  )
  assert.ok(same.length > 10, 'hardly anything was left untouched')
  for (const path of same) assert.equal(after[path], before[path], path)
}

/** The call fails with this code and a hint, and no path outside `.moult` has other bytes, another mode or another time. */
export async function refuses(
  root: string,
  call: () => Promise<unknown>,
  code: ErrorCode,
  pattern = /./,
): Promise<void> {
  const before = footprint(root)
  await assert.rejects(call, (error) => {
    assert.ok(isMoultError(error), String(error))
    assert.equal(error.code, code, error.message)
    assert.match(error.message, pattern)
    assert.notEqual(error.hint, '')
    return true
  })
  assert.deepEqual(footprint(root), before)
}
