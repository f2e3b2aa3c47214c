import assert from 'node:assert/strict'
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { defineState, directory, isMoultError, record, records, sqlite } from 'moult'
import type { DbWriter, FilesWriter, State, Store } from 'moult'
import { reference } from '#moult/model/reference.js'
import type { AnyAt } from '#moult/model/reference.js'
import { z } from 'zod'
import { makeRoot } from '../disk/tree.js'
import { difference, snapshot } from '../examples/snapshot.js'
import { footprint } from '../support/footprint.js'

/** What a step is: its kind of change, whom it names and how. Numbers, so that any of them means something. */
type Shape = readonly [change: number, other: number, place: number, how: number]
type Shapes = {
  readonly a: readonly Shape[]
  readonly b: readonly Shape[]
  readonly files: readonly Shape[]
  readonly docs: number
}

interface Context {
  readonly db: DbWriter
  readonly files: FilesWriter
  readonly stores: { readonly other?: { readonly db?: DbWriter; readonly files?: FilesWriter } }
}

/** Changes of a database that their counterparts undo exactly. */
const databaseChanges = [
  [(n: number) => `CREATE TABLE t${n}(x)`, (n: number) => `DROP TABLE t${n}`],
  [
    (n: number) => `ALTER TABLE base ADD COLUMN c${n} DEFAULT ${n}`,
    (n: number) => `ALTER TABLE base DROP COLUMN c${n}`,
  ],
  [(n: number) => `INSERT INTO base(id) VALUES (${100 + n})`, (n: number) => `DELETE FROM base WHERE id = ${100 + n}`],
] as const

const fileChanges = [
  [
    (files: FilesWriter, n: number) => files.write(`new/${n}.txt`, `new ${n}`),
    (files: FilesWriter, n: number) => files.delete(`new/${n}.txt`),
  ],
  [
    (files: FilesWriter, n: number) =>
      files.move('moving.txt', `at-${n}/moving.txt`).then(() => files.write('moving.txt', `${n}`)),
    (files: FilesWriter, n: number) =>
      files.delete('moving.txt').then(() => files.move(`at-${n}/moving.txt`, 'moving.txt')),
  ],
  [
    async (files: FilesWriter, n: number) => files.write('log.txt', `${await files.text('log.txt')}${n}\n`),
    async (files: FilesWriter, n: number) =>
      files.write('log.txt', (await files.text('log.txt')).replace(new RegExp(`${n}\\n$`), '')),
  ],
] as const

/** Names a version of one of the stores before, if there is one: reads it, writes it (databases: only files), or depends on it. */
function needsOf(before: readonly Store[], [, other, place, how]: Shape, mayWrite: boolean): object {
  const store = before[other % Math.max(1, before.length)]
  const height = store?.['~store'].lane.names.length ?? 0
  if (!store || height === 0 || how > 6) return {}
  const at: AnyAt = reference(store.name, '', 1 + (place % height))
  if (how % 3 === 0) return { dependsOn: [at] }
  return how % 3 === 1 && mayWrite && store.kind === 'directory' ? { writes: { files: at } } : { reads: { seen: at } }
}

function withSteps(first: Store, before: readonly Store[], shapes: readonly Shape[]): Store {
  let store = first as unknown as { step(name: string, options: object): typeof store }
  for (const [index, shape] of shapes.entries()) {
    const n = Number(`${first.name.charCodeAt(0)}${index}`)
    const needs = needsOf(before, shape, true)
    const [change] = shape
    const otherFiles = (context: { stores: object }): FilesWriter | undefined =>
      (context.stores as { files?: FilesWriter }).files
    const own =
      first.kind === 'sqlite'
        ? {
            up: async (context: Context) => {
              context.db.exec(databaseChanges[change % 3]?.[0](n) ?? '')
              await otherFiles(context)?.write(`by-${n}.txt`, `${n}`)
            },
            down: async (context: Context) => {
              context.db.exec(databaseChanges[change % 3]?.[1](n) ?? '')
              await otherFiles(context)?.delete(`by-${n}.txt`)
            },
          }
        : {
            up: ({ files }: Context) => fileChanges[change % 3]?.[0](files, n),
            down: ({ files }: Context) => fileChanges[change % 3]?.[1](files, n),
          }
    store = store.step(`s${index + 1}`, { ...own, ...needs, additive: shape[3] % 4 === 0 })
  }
  return store as unknown as Store
}

function makeState({ a, b, files, docs }: Shapes): State {
  let Doc = record('doc', { versionKey: 'v', unversioned: 1 }).version(1, z.object({})) as unknown as {
    version(n: number, schema: unknown, change: object): typeof Doc
  }
  for (let n = 2; n <= docs; n++) {
    Doc = Doc.version(n, z.object({}), {
      up: (value: object) => ({ ...value, [`key${n}`]: n }),
      down: (value: object) => Object.fromEntries(Object.entries(value).filter(([key]) => key !== `key${n}`)),
    })
  }
  const documents = records('docs', { path: 'docs', files: '*.json', record: Doc as never })
  const folder = withSteps(directory('files', { path: 'files' }).adopt('oldest'), [documents], files)
  const one = withSteps(sqlite('a', { path: 'a.db', userVersion: true }).step('base', base), [documents, folder], a)
  const two = withSteps(sqlite('b', { path: 'b.db' }).step('base', base), [documents, folder, one], b)
  return defineState({ app: 'round-trip', stores: [documents, folder, one, two] })
}

const base = { up: 'CREATE TABLE base(id INTEGER PRIMARY KEY)', down: 'DROP TABLE base' }

/** `b` wants to see files as they were before a step that it waits for: no upgrade gets there. */
const unreachable: [Shapes, number[]] = [
  {
    a: [],
    b: [
      [0, 1, 1, 0],
      [0, 1, 0, 1],
    ],
    files: [
      [0, 0, 0, 0],
      [0, 0, 0, 1],
    ],
    docs: 1,
  },
  [0, 0, 0, 0],
]

const step: fc.Arbitrary<Shape> = fc.tuple(fc.nat(2), fc.nat(3), fc.nat(3), fc.nat(9))
const someSteps = fc.array(step, { maxLength: 3 })
const shapes: fc.Arbitrary<Shapes> = fc.record({
  a: someSteps,
  b: someSteps,
  files: someSteps,
  docs: fc.integer({ min: 1, max: 3 }),
})

test('[A6] back and forth again is an undisturbed upgrade; back is an upgrade that only went so far', async (t) => {
  const folder = makeRoot(t)
  const old = join(folder, 'old')
  for (const each of ['files', 'docs']) mkdirSync(join(old, each), { recursive: true })
  writeFileSync(join(old, 'files/moving.txt'), 'first')
  writeFileSync(join(old, 'files/log.txt'), 'log\n')
  writeFileSync(join(old, 'docs/a.json'), '{ "v": 1, "kept": 1.0 }\n')
  const seen = { compared: 0, alone: 0, refused: new Map<string, number>() }
  let rounds = 0

  const round = async (given: Shapes, cuts: readonly number[]): Promise<void> => {
    const root = join(folder, `round-${(rounds += 1)}`)
    const direct = `${root}-direct`
    const state = makeState(given)
    for (const path of [root, direct]) cpSync(old, path, { recursive: true, preserveTimestamps: true })
    try {
      // Steps of which one wants to see what another has left behind: no upgrade can do that
      if ((await state.in(root).plan()).refusals.length > 0) return
      const heads = (await state.in(root).upgrade()).stores
      const whole = snapshot(root, { commits: false })
      const target = heads.map(({ name, head }, index) => {
        const lowest = name === 'docs' ? 1 : 0
        return `${name}@${Math.max(lowest, head - ((cuts[index] ?? 0) % (head + 1)))}` as const
      })
      const before = footprint(root)
      try {
        await state.in(root).downgrade({ target })
      } catch (error) {
        assert.ok(isMoultError(error), String(error))
        assert.ok(['STILL_NEEDED', 'VERSION_PASSED'].includes(error.code), `${error.code}: ${error.message}`)
        assert.deepEqual(footprint(root), before)
        seen.refused.set(error.code, (seen.refused.get(error.code) ?? 0) + 1)
        return
      }
      // An upgrade that goes only there may be refused for what it would leave behind: then there is nothing to compare
      const direction = await state
        .in(direct)
        .upgrade({ target })
        .catch((error: unknown) => error)
      if (isMoultError(direction)) seen.alone++
      else {
        assert.deepEqual(
          difference(snapshot(root, { commits: false }), snapshot(direct, { commits: false })),
          [],
          target.join(),
        )
        seen.compared++
      }
      assert.deepEqual((await state.in(root).verify()).problems, [])
      await state.in(root).upgrade()
      assert.deepEqual(difference(snapshot(root, { commits: false }), whole), [], `${target.join()} and up again`)
    } finally {
      for (const path of [root, direct]) rmSync(path, { recursive: true, force: true })
    }
  }
  await fc.assert(fc.asyncProperty(shapes, fc.array(fc.nat(4), { minLength: 4, maxLength: 4 }), round), {
    numRuns: 60,
    examples: [unreachable],
  })
  t.diagnostic(JSON.stringify({ ...seen, refused: Object.fromEntries(seen.refused) }))
  assert.ok(seen.compared > 15 && seen.refused.size > 0)
})
