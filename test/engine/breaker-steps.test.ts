import assert from 'node:assert/strict'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { defineState, directory, isMoultError, sqlite } from 'moult'
import type { MoultError, State } from 'moult'
import { footprint, temporaryFolder } from '../support/footprint.js'

/** The upgrade fails, every path is as it was, and nothing is left to finish. */
async function isPutBack(
  root: string,
  state: State,
  options: Parameters<State['upgrade']>[0] = {},
): Promise<MoultError> {
  const before = footprint(root)
  const error = await state
    .in(root)
    .upgrade(options)
    .then(
      () => assert.fail('expected a failure'),
      (thrown: unknown) => thrown,
    )
  assert.ok(isMoultError(error), `a MoultError: ${String(error)}`)
  assert.equal(error.report?.outcome, 'put-back', error.message)
  assert.deepEqual(footprint(root), before)
  assert.equal(existsSync(join(root, '.moult/run')), false)
  return error
}

const inFiles = (code: () => unknown): State =>
  defineState({
    app: 'agent',
    stores: [
      directory('notes', { path: 'notes' })
        .step('work', {
          up: async ({ files }) => {
            await files.write('new.md', 'new')
            await code()
          },
        })
        .adopt('oldest'),
    ],
  })
const inDatabase = (code: () => unknown): State =>
  defineState({
    app: 'agent',
    stores: [
      sqlite('index', { path: 'deep/er/index.db' }).step('work', {
        up: async ({ db }) => {
          db.exec('CREATE TABLE entry(id)')
          await code()
        },
      }),
    ],
  })
const kinds = { directory: inFiles, database: inDatabase }

describe('[G3] whatever a step throws, the run is put back and says so', () => {
  const broken = new Error('x')
  Object.defineProperty(broken, 'message', { get: () => assert.fail('looked at') })
  const thrown: Readonly<Record<string, unknown>> = {
    undefined: undefined,
    null: null,
    'a text': 'text',
    'an object without a prototype': Object.create(null),
    'a proxy that throws': new Proxy(
      {},
      { get: () => assert.fail('looked at'), getPrototypeOf: () => assert.fail('looked at') },
    ),
    'an error that throws when it is read': broken,
    'an error whose message is a number': Object.assign(new Error('x'), { message: 5 }),
    'a frozen error': Object.freeze(new Error('frozen')),
    'a frozen error that looks like one of moult': Object.freeze(
      Object.assign(new Error('m'), { '~moult': 1, code: 'STEP_FAILED' }),
    ),
  }
  for (const [kind, make] of Object.entries(kinds)) {
    for (const [what, value] of Object.entries(thrown)) {
      it(`${what}, in a ${kind}`, async (t) => {
        const root = temporaryFolder(t)
        mkdirSync(join(root, 'notes'))
        writeFileSync(join(root, 'notes/old.md'), 'old')
        const error = await isPutBack(
          root,
          make(() => {
            throw value
          }),
        )
        assert.equal(error.code, 'STEP_FAILED')
      })
    }

    it(`an error of another state that the step used says nothing of this run, in a ${kind}`, async (t) => {
      const root = temporaryFolder(t)
      const other = temporaryFolder(t)
      mkdirSync(join(other, '.moult/run'), { recursive: true })
      writeFileSync(join(other, '.moult/run/run.json'), 'torn')
      const damaged = await isPutBack(
        root,
        make(() =>
          inFiles(() => undefined)
            .in(other)
            .upgrade(),
        ),
      )
      assert.equal(damaged.code, 'STEP_FAILED')
      assert.ok(damaged.cause instanceof Error && isMoultError(damaged.cause.cause, 'DAMAGED'))
    })
  }
})

describe('[G3] a step that does not end', () => {
  for (const [kind, make] of Object.entries(kinds)) {
    it(`is left behind when the run is interrupted, and cannot write any more, in a ${kind}`, async (t) => {
      const root = temporaryFolder(t)
      const abort = new AbortController()
      const state = make(() => {
        abort.abort()
        return new Promise(() => undefined)
      })
      const error = await isPutBack(root, state, { signal: abort.signal })
      assert.equal(error.code, 'INTERRUPTED')
      assert.equal(
        (
          await make(() => undefined)
            .in(root)
            .upgrade()
        ).outcome,
        'upgraded',
      )
    })
  }

  it('one that heeds the signal has time to clean up', async (t) => {
    const root = temporaryFolder(t)
    const abort = new AbortController()
    let isClean = false
    const state = inFiles(async () => {
      abort.abort()
      await new Promise((resolve) => setTimeout(resolve, 50))
      isClean = true
      throw new Error('stopped')
    })
    assert.equal((await isPutBack(root, state, { signal: abort.signal })).code, 'INTERRUPTED')
    assert.ok(isClean)
  })
})

describe('[G1] a step that did not do what it says', () => {
  it('a generator, of which nothing would run, is a TypeError', () => {
    const store = sqlite('index', { path: 'index.db' })
    for (const up of [
      function* (): Generator {
        yield 1
      },
      async function* (): AsyncGenerator {
        yield 1
      },
    ])
      assert.throws(() => store.step('work', { up: up as never }), /generator/)
  })

  it('a database step that did not await all it began is not recorded as done', async (t) => {
    const root = temporaryFolder(t)
    const index = sqlite('index', { path: 'index.db' }).step('work', {
      up: ({ db }) => {
        db.exec('CREATE TABLE entry(id)')
        const insert = async (id: number): Promise<void> => {
          for (let turn = 0; turn < 50; turn++) await Promise.resolve()
          db.run('INSERT INTO entry VALUES (?)', id)
        }
        insert(1).catch(() => undefined)
      },
    })
    const error = await isPutBack(root, defineState({ app: 'agent', stores: [index] }))
    assert.equal(error.code, 'HANDLE_EXPIRED')
  })
})

describe('[G5] whoever watches a run cannot break it', () => {
  it('a listener that throws, or rejects, at any event: the run ends as it would without', async (t) => {
    const notes = directory('notes', { path: 'notes' }).step('work', { up: async ({ files }) => files.write('a', '') })
    const index = sqlite('index', { path: 'index.db' }).step('work', {
      dependsOn: [notes.at('work')],
      up: 'CREATE TABLE entry(id)',
    })
    const state = defineState({ app: 'agent', stores: [notes, index] })
    const broken = new Error('a broken listener')
    for (const listener of [
      () => {
        throw broken
      },
      () => Promise.reject(broken),
    ]) {
      const root = temporaryFolder(t)
      let events = 0
      const report = await state.in(root).upgrade({
        onEvent: () => {
          events++
          return listener() as never
        },
      })
      assert.equal(report.outcome, 'upgraded')
      assert.ok(events >= 6, `${events} events`)
      assert.equal(existsSync(join(root, '.moult/run')), false)
      assert.deepEqual(
        (await state.in(root).history()).map(({ result }) => result),
        ['done', 'done'],
      )
    }
  })

  it('[G3] and does not hide why a step failed', async (t) => {
    const state = inFiles(() => {
      throw new Error('the first cause')
    })
    const root = temporaryFolder(t)
    const onEvent = (): never => {
      throw new Error('a broken listener')
    }
    assert.match((await isPutBack(root, state, { onEvent })).message, /the first cause/)
  })
})
