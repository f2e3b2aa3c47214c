import assert from 'node:assert/strict'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { defineState, directory, isMoultError, record, records, sqlite } from 'moult'
import type { State } from 'moult'
import { errorTable } from '#moult/model/errors.js'
import type { ErrorCode } from '#moult/model/errors.js'
import { z } from 'zod'
import { footprint, temporaryFolder } from '../support/footprint.js'

const One = z.object({ id: z.string() })
const Two = z.object({ id: z.string(), name: z.string() })
export const Item = record('item', { versionKey: 'v', unversioned: 1 })
  .version(1, One)
  .version(2, Two, { up: (value) => ({ ...value, name: value.id }) })

export const items = records('items', { path: 'items', files: '*.json', record: Item })
export const notes = directory('notes', { path: 'notes' })
  .step('flatten', {
    async up({ files }) {
      for await (const file of files.glob('old/*.md')) await files.move(file, file.slice(4))
    },
  })
  .adopt('oldest')
export const index = sqlite('index', { path: 'index.db' })
  .step('create', { up: 'CREATE TABLE entry(id INTEGER PRIMARY KEY, parent INTEGER REFERENCES entry(id), text TEXT)' })
  .step('seed', { up: "INSERT INTO entry VALUES (1, NULL, 'root'), (2, 1, 'leaf')" })

export const base = defineState({ app: 'agent', appVersion: '2.4.0', stores: [items, notes, index] })

/** A state of an old release: records at version 1, a folder from before moult, and no database yet. */
export function oldState(t: TestContext): string {
  const root = temporaryFolder(t)
  mkdirSync(join(root, 'items'))
  mkdirSync(join(root, 'notes/old'), { recursive: true })
  for (let n = 0; n < 5; n++) writeFileSync(join(root, `items/${n}.json`), `{ "v": 1, "id": "i${n}" }\n`)
  for (let n = 0; n < 5; n++) writeFileSync(join(root, `notes/old/n${n}.md`), `note ${n}\n`)
  return root
}

/** The call fails with this code, says what to do, and leaves every path of the state with its bytes, mode and mtime. */
export async function refuses(
  root: string,
  call: () => Promise<unknown>,
  code: ErrorCode,
  exit: number,
  message?: RegExp,
): Promise<void> {
  const before = footprint(root)
  const hadHome = existsSync(join(root, '.moult'))
  const error = await call().then(
    () => assert.fail(`expected ${code}`),
    (thrown: unknown) => thrown,
  )
  assert.ok(isMoultError(error), `a MoultError: ${String(error)}`)
  assert.equal(error.code, code, error.message)
  assert.equal(errorTable[error.code].exit, exit)
  assert.ok(error.hint.length > 10, 'a hint')
  if (message) assert.match(error.message, message)
  assert.deepEqual(footprint(root), before)
  if (exit === 4) assert.equal(existsSync(join(root, '.moult')), hadHome, 'a refusal creates nothing, not even .moult')
  assert.equal(existsSync(join(root, '.moult/run')), false)
  assert.equal(error.report?.outcome, exit === 4 ? 'refused' : 'put-back')
}

/** Both ways to begin: the start-up call and the command. */
export async function refusesBoth(
  root: string,
  state: State,
  code: ErrorCode,
  exit: number,
  message?: RegExp,
): Promise<void> {
  await refuses(root, () => state.in(root).upgrade(), code, exit, message)
  await refuses(root, () => state.in(root).open(), code, exit, message)
}
