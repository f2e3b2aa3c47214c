import assert from 'node:assert/strict'
import { test } from 'node:test'
import { record, records } from 'moult'
import * as v from 'valibot'
import { z } from 'zod'
import { bringTo, canServe } from '#moult/stores/records/record-chain.js'
import { CountAt1, CountAt4, SessionAt2, SessionAt3, sessionText } from './shapes.js'
import { fails } from './state.js'

const id = z.object({ id: z.string() })
const keyed = { versionKey: 'schema_version', unversioned: 1 } as const
/** For what does not compile, but can come from JavaScript. */
const untyped = (value: unknown): never => value as never

test('[C1] a definition with a gap, a missing change or a wrong option fails when it is defined', () => {
  const start = record('a', keyed).version(1, id)
  assert.throws(() => start.version(untyped(3), id, untyped({ up: (a: unknown) => a })), /the next is 2/)
  assert.throws(() => start.version(untyped(1), id, untyped({ up: (a: unknown) => a })), /the next is 2/)
  assert.throws(() => start.version(2, id, untyped(undefined)), /'up' is missing/)
  assert.throws(() => start.version(2, id, untyped({ down: true })), /'up' is missing/)
  assert.throws(
    () => start.version(2, id, untyped({ up: (a: unknown) => a, addative: true })),
    /unknown option 'addative'/,
  )
  assert.throws(() => start.version(2, id, untyped({ up: (a: unknown) => a, down: true })), /'down' must be/)
  assert.throws(() => start.version(2, untyped({ parse() {} }), untyped({ up: (a: unknown) => a })), /Standard Schema/)
  assert.throws(() => record('a', keyed).version(0, id), /versions are whole numbers from 1/)
  assert.throws(() => record('a', keyed).version(1.5, id), TypeError)
})

test('[C9] what a document without a version is has to be decided', () => {
  assert.throws(() => record('a', untyped({ versionKey: 'v' })), /'unversioned' must say/)
  assert.throws(() => record('a', untyped({ versionKey: 'v', unversioned: 0 })), /'unversioned' must say/)
  assert.throws(() => record('a', untyped({ versionKey: 'v', unversioned: null })), /'unversioned' must say/)
  assert.throws(() => record('a', untyped({ versionKey: false, unversioned: 1 })), /nothing for 'unversioned'/)
  assert.throws(() => record('a', untyped({ versionKey: '__proto__', unversioned: 1 })), /'versionKey' must be/)
  const later = record('a', { versionKey: 'v', unversioned: 2 }).version(1, id)
  assert.throws(() => records('as', { path: 'a', files: '*.json', record: later }), /version 2, and there is none/)
})

test('[C2] each step that is needed runs, in order, and stamps its version; the document given stays as it was', () => {
  const given = Object.freeze({ v: 1, n: 1, kept: Object.freeze([1, 2]) })
  assert.deepEqual(CountAt4.upgrade(given), { value: { v: 4, n: 30, kept: [1, 2] }, from: 1, to: 4, changed: true })
  assert.deepEqual(CountAt4.upgrade({ v: 3, n: 3, kept: true }), {
    value: { v: 4, n: 30, kept: true },
    from: 3,
    to: 4,
    changed: true,
  })
  const seen: unknown[] = []
  const spied = CountAt1.version(2, z.object({ n: z.number() }), { up: (a) => (seen.push({ ...a }), a) }).version(
    3,
    z.object({ n: z.number() }),
    { up: (a) => (seen.push({ ...a }), a) },
  )
  spied.upgrade({ n: 1 })
  assert.deepEqual(seen, [
    { v: 1, n: 1 },
    { v: 2, n: 1 },
  ])
})

test('[C2] a step may alter what it is given, and frozen results can be stamped', () => {
  const altering = CountAt1.version(2, z.object({ n: z.number() }), {
    up: (a) => {
      a.n += 1
      return Object.freeze(a)
    },
  })
  const given = { v: 1, n: 1 }
  assert.deepEqual(altering.upgrade(given).value, { v: 2, n: 2 })
  assert.deepEqual(given, { v: 1, n: 1 })
})

test('[C2] keys keep their order, unknown ones and __proto__ their value, and a new version key comes first', () => {
  const text =
    '{"metadata":{"id":"a","x":{"__proto__":{"deep":1}}},"zeta":1,"messages":[],"alpha":null,"schema_version":1}'
  const { value } = SessionAt2.upgrade(JSON.parse(text))
  assert.equal(
    JSON.stringify(value),
    '{"metadata":{"id":"a","x":{"__proto__":{"deep":1}}},"zeta":1,"alpha":null,"schema_version":2,"journal":{"entries":[],"leaf_id":null}}',
  )
  assert.equal(
    JSON.stringify(SessionAt2.upgrade(JSON.parse(sessionText('a', null))).value).slice(0, 20),
    '{"schema_version":2,',
  )
})

test('[C2] a document at the newest version is checked and given back itself, also without a key', () => {
  const current = { schema_version: 2, metadata: { id: 'a' }, journal: { entries: [], leaf_id: null } }
  const upgraded = SessionAt2.upgrade(current)
  assert.equal(upgraded.value, current)
  assert.equal(upgraded.changed, false)
  const unversioned = { n: 1 }
  assert.equal(CountAt1.upgrade(unversioned).value, unversioned)
  assert.throws(
    () => SessionAt2.upgrade({ ...current, journal: null }),
    fails('RECORD_REJECTED', /it is no version 2: .*\$\.journal/),
  )
})

test('[C2] what a schema makes of a document has no effect: defaults, coercions, transforms, changes in place', () => {
  const zodDefault = record('e', keyed)
    .version(1, id)
    .version(2, z.object({ id: z.string(), n: z.number().default(7) }), { up: (a) => a })
  assert.deepEqual(zodDefault.upgrade({ id: 'a' }).value, { schema_version: 2, id: 'a' })
  const piped = record('e', keyed)
    .version(1, v.object({ id: v.pipe(v.string(), v.toUpperCase()) }))
    .version(2, v.object({ id: v.pipe(v.string(), v.transform(Number)) }), { up: (a) => a })
  assert.deepEqual(piped.upgrade({ id: 'a', more: 1 }).value, { schema_version: 2, id: 'a', more: 1 })
  const inPlace = {
    '~standard': {
      version: 1 as const,
      vendor: 'test',
      validate: (value: unknown) => {
        ;(value as Record<string, unknown>)['added'] = true
        return { value: value as { id: string } }
      },
    },
  }
  const meddling = record('e', keyed)
    .version(1, inPlace)
    .version(2, inPlace, { up: (a) => a as never })
  assert.deepEqual(meddling.upgrade({ id: 'a' }).value, { schema_version: 2, id: 'a' })
})

test('[C3] a rejected document is an error with record, file, from, to and reason, and none of its contents', () => {
  const secret = { schema_version: 1, metadata: { id: 's3cret' }, messages: 's3cret' }
  assert.throws(
    () => SessionAt3.upgrade(secret),
    (error) => {
      assert.ok(fails('RECORD_REJECTED')(error))
      const { message, hint, details, cause } = error as {
        message: string
        hint: string
        details: object
        cause: unknown
      }
      assert.deepEqual(details, {
        record: 'session',
        file: null,
        from: 1,
        to: 3,
        reason: 'it is no version 1: it does not fit its schema at $.messages',
      })
      assert.doesNotMatch(JSON.stringify([message, hint, details, String(cause)]), /s3cret/)
      return true
    },
  )
})

test('[C4] a newer document is rejected', () => {
  assert.throws(
    () => SessionAt2.upgrade({ schema_version: 3 }),
    (error) => {
      assert.ok(fails('RECORD_REJECTED', /at version 3, and this program knows 2/)(error))
      assert.deepEqual((error as { details: object }).details, {
        record: 'session',
        file: null,
        from: 3,
        to: 2,
        reason: 'it is at version 3, and this program knows 2',
      })
      return true
    },
  )
})

test('[C4] a document older than all that is known is rejected', () => {
  const trimmed = record('a', keyed).version(3, id)
  assert.throws(
    () => trimmed.upgrade({ schema_version: 2, id: 'a' }),
    fails('RECORD_REJECTED', /oldest that this program reads is 3/),
  )
  assert.throws(() => trimmed.upgrade({ id: 'a' }), fails('RECORD_REJECTED', /at version 1/))
})

for (const version of ['2', 1.5, null, -1, 0, 1e300, true, [1], {}, NaN]) {
  test(`[G8] the version ${JSON.stringify(version)} is rejected, never guessed`, () => {
    assert.throws(
      () => CountAt4.upgrade({ v: version, n: 1 }),
      fails('RECORD_REJECTED', /'v' is not a whole number from 1/),
    )
  })
}

for (const value of [null, 1, 'text', [], undefined]) {
  test(`[G8] ${JSON.stringify(value)} is no record`, () => {
    assert.throws(() => CountAt4.upgrade(value), fails('RECORD_REJECTED', /not a JSON object/))
  })
}

test('[C9] a document without a version can be refused', () => {
  const strict = record('task', { versionKey: 'schema_version', unversioned: 'refuse' }).version(1, id)
  assert.throws(() => strict.upgrade({ id: 'a' }), fails('RECORD_REJECTED', /it has no 'schema_version'/))
  assert.deepEqual(strict.upgrade({ id: 'a', schema_version: 1 }).from, 1)
})

test('[C9] a schema may ask for the version key: a document without it is seen with it', () => {
  const literal = record('a', keyed)
    .version(1, z.strictObject({ schema_version: z.literal(1).optional(), id: z.string() }))
    .version(2, z.strictObject({ schema_version: z.literal(2), id: z.string() }), { up: (a) => a })
  assert.deepEqual(literal.upgrade({ id: 'a' }).value, { schema_version: 2, id: 'a' })
  assert.deepEqual(literal.upgrade({ schema_version: 2, id: 'a' }).changed, false)
})

const badChanges: [string, RegExp, (value: { n: number }) => unknown][] = [
  [
    'throws',
    /'up' that makes version 2 threw an error \(Error\)/,
    () => {
      throw new Error('s3cret')
    },
  ],
  ['is asynchronous', /is asynchronous/, async (a) => a],
  ['returns nothing', /returned nothing/, () => undefined],
  ['returns a list', /something else than an object/, () => []],
  ['returns another shape', /something else than a version 2.*\$\.n/, () => ({ n: 'one' })],
  ['returns a Date', /what JSON cannot hold.*\$\.at/, (a) => ({ ...a, at: new Date(0) })],
  ['returns a number JSON has not', /what JSON cannot hold.*\$\.n/, () => ({ n: NaN })],
]
for (const [what, pattern, up] of badChanges) {
  test(`[C3] a change that ${what} is told apart from a bad document`, () => {
    const broken = CountAt1.version(2, z.object({ n: z.number() }), { up: up as never })
    assert.throws(
      () => broken.upgrade({ v: 1, n: 1 }),
      (error) =>
        fails('RECORD_REJECTED', pattern)(error) &&
        /the document is not to blame/.test((error as { hint: string }).hint) &&
        !/s3cret/.test((error as Error).message),
    )
  })
}

test('[C3] a schema that answers later, or throws, is a mistake that is named', () => {
  const later = record('g', keyed).version(
    1,
    z.object({ id: z.string() }).refine(async () => true),
  )
  assert.throws(() => later.upgrade({ id: 'a' }), fails('RECORD_REJECTED', /schema of version 1 is asynchronous/))
  const failing = {
    '~standard': { version: 1 as const, vendor: 'test', validate: () => Promise.reject(new Error('late')) },
  }
  assert.throws(
    () => record('g', keyed).version(1, failing).upgrade({ id: 'a' }),
    fails('RECORD_REJECTED', /asynchronous/),
  )
  const throwing = {
    '~standard': {
      version: 1 as const,
      vendor: 'test',
      validate: () => {
        throw new Error('s3cret')
      },
    },
  }
  assert.throws(
    () => record('g', keyed).version(1, throwing).upgrade({ id: 'a' }),
    fails('RECORD_REJECTED', /schema of version 1 threw an error/),
  )
})

test('[C3] what is no plain data is rejected', () => {
  const cycle: Record<string, unknown> = { v: 1, n: 1 }
  cycle['self'] = cycle
  assert.throws(() => CountAt4.upgrade(cycle), fails('RECORD_REJECTED', /JSON cannot hold it/))
  assert.throws(() => CountAt4.upgrade({ v: 1, n: 1, at: new Date() }), fails('RECORD_REJECTED', /\$\.at/))
})

test('[P20] a record past a version is shown there through its downs, stamped with that version', () => {
  const chain = SessionAt3['~record']
  const at3 = SessionAt3.upgrade(JSON.parse(sessionText('a'))).value
  const at1 = bringTo(chain, structuredClone(at3), 3, 1)
  assert.deepEqual(at1, JSON.parse(sessionText('a')))
  assert.deepEqual(Object.keys(at1 as object).sort(), ['messages', 'metadata', 'schema_version', 'system_prompt'])
  assert.ok(canServe(chain, 3, 1))
})

test('[P20] a change without a way back is only passed if it is additive', () => {
  const n = z.object({ n: z.number() })
  const additive = CountAt1.version(2, n, { up: (a) => a, additive: true })
  assert.ok(canServe(additive['~record'], 2, 1))
  assert.deepEqual(bringTo(additive['~record'], { v: 2, n: 1 }, 2, 1), { v: 1, n: 1 })
  assert.ok(!canServe(CountAt1.version(2, n, { up: (a) => a })['~record'], 2, 1))
  assert.ok(!canServe(CountAt1.version(2, n, { up: (a) => a, additive: true, down: 'impossible' })['~record'], 2, 1))
  assert.ok(!canServe(additive['~record'], 3, 1))
})

test('[C3] what is no JSON value is rejected in moult’s words, wherever it has its version from', () => {
  class Counter {
    n = 1
  }
  class Stamped extends Counter {
    v = 4
  }
  const odd = [new Counter(), new Stamped(), Object.assign(new Map(), { n: 1 }), { n: 1, when: new Date(0) }]
  for (const value of odd) {
    assert.throws(() => CountAt4.upgrade(value), fails('RECORD_REJECTED', /JSON cannot hold it: \$.*class/))
    assert.throws(() => CountAt1.upgrade(value), fails('RECORD_REJECTED'))
  }
  assert.deepEqual(CountAt4.upgrade(Object.assign(Object.create(null), { n: 1 })).value, { v: 4, n: 30 })
})
