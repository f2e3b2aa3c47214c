import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { isMoultError } from 'moult'
import type { MoultError, RunReport } from 'moult'
import { errorTable } from '#moult/model/errors.js'
import type { ErrorCode } from '#moult/model/errors.js'
import type { Example } from '../../examples/index.js'
import { footprint, temporaryFolder } from '../support/footprint.js'
import { openDatabase } from '../support/sqlite.js'

/** An old state of its own for a test. */
export function oldState(t: TestContext, example: Pick<Example, 'makeOldState'>): string {
  const root = temporaryFolder(t)
  example.makeOldState(root)
  return root
}

/**
 * Upgrades an old state, compares all of its content with what is worked out from another one like it, and makes sure that nothing is left to do. Returns the root and the run's report.
 */
export async function checkFullUpgrade(
  t: TestContext,
  example: Omit<Example, 'name'>,
): Promise<{ readonly root: string; readonly report: RunReport }> {
  const root = oldState(t, example)
  // Made a second time, since reading it with the app's library would already change it
  const oldRoot = oldState(t, example)
  const state = example.state.in(root)

  const report = await state.upgrade()
  assert.equal(report.outcome, 'upgraded')
  assert.deepStrictEqual(example.readContent(root), example.expectedContent(oldRoot))
  for (const path of databases(root)) checkDatabase(path)

  const { stores, problems, unfinished } = await state.status()
  assert.deepEqual(
    stores.filter(({ status, version, head }) => status !== 'current' || version !== head),
    [],
  )
  assert.deepEqual({ problems, unfinished }, { problems: [], unfinished: false })
  const before = footprint(root)
  const second = await state.upgrade()
  assert.deepEqual({ outcome: second.outcome, steps: second.steps }, { outcome: 'up-to-date', steps: [] })
  assert.deepEqual(await state.verify(), { problems: [] })
  checkUntouched(root, before)
  return { root, report }
}

/** Every path has the bytes, mode and mtime it had; of thousands of paths only those that differ are shown. */
export function checkUntouched(root: string, before: Readonly<Record<string, string>>, but?: RegExp): void {
  const after = footprint(root)
  const paths = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  const changed = paths.filter((path) => before[path] !== after[path] && but?.test(path) !== true)
  assert.deepEqual(
    changed.map((path) => [path, after[path]]),
    changed.map((path) => [path, before[path]]),
  )
}

export function databases(root: string): string[] {
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' })
  return names.filter((name) => name.endsWith('.db') && !name.startsWith('.moult')).map((name) => join(root, name))
}

function checkDatabase(path: string): void {
  const db = openDatabase(path)
  const integrity = db.all('PRAGMA integrity_check').map((row) => row['integrity_check'])
  const violations = db.all('PRAGMA foreign_key_check')
  db.close()
  assert.deepEqual({ path, integrity, violations }, { path, integrity: ['ok'], violations: [] })
}

/** The call fails with this code and leaves every path of the state as it was; a refusal doesn't even make `.moult/`. */
export async function checkRefused(
  root: string,
  call: () => Promise<unknown>,
  code: ErrorCode,
  message: RegExp,
): Promise<MoultError> {
  const before = footprint(root)
  const hadHome = existsSync(join(root, '.moult'))
  const error: unknown = await call().then(
    () => assert.fail(`expected ${code}`),
    (thrown: unknown) => thrown,
  )
  assert.ok(isMoultError(error), String(error))
  assert.equal(error.code, code, error.message)
  assert.match(error.message, message)
  // What a run opened and put back has an index of its write-ahead log that was made anew: no data (protocol 3)
  const isRefusal = errorTable[code].exit === 4
  checkUntouched(root, before, isRefusal ? undefined : /-shm$/)
  if (isRefusal) assert.equal(existsSync(join(root, '.moult')), hadHome)
  return error
}

/** A statement of the app on one of its databases, outside of moult. */
export function execute(path: string, sql: string): void {
  const db = openDatabase(path)
  db.exec(sql)
  db.close()
}
