import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { directory, record, records, sqlite } from 'moult'
import type { Store } from '#moult/model/store.js'
import { checkDefinition } from '#moult/model/definition.js'
import { planRun } from '#moult/model/plan.js'
import { cutSegments, deciders } from '#moult/model/segments.js'
import { resolveTargets } from '#moult/model/target.js'
import { z } from 'zod'
import { judge } from './scene.js'
import type { Seen } from './scene.js'

function planOf(stores: readonly Store[], seen: Readonly<Record<string, Seen>> = {}, target?: `${string}@${string}`) {
  const verdicts = stores.map((store) => judge(store, seen[store.name]))
  const targets = resolveTargets(
    target,
    stores.map((store) => store['~store'].lane),
  )
  const plan = planRun(verdicts, targets)
  const names = plan.items.map((item) =>
    item.action === 'step' ? `${item.store}/${item.step.name}` : `${item.store} ${item.action}`,
  )
  return { ...plan, names, segments: () => cutSegments(plan.items, deciders(verdicts)) }
}

const a = sqlite('a', { path: 'a.db' }).step('a1', { up: 'SELECT 1' }).step('a2', { up: 'SELECT 1' })

describe('the plan over all stores', () => {
  it('[R3] pending steps run in order, after the store got its marker', () => {
    assert.deepEqual(planOf([a]).names, ['a start', 'a/a1', 'a/a2'])
    assert.deepEqual(planOf([a], { a: { applied: ['a1'] } }).names, ['a/a2'])
  })

  it('[A2] a step that depends on another store comes after it, whatever the order of definition', () => {
    const b = sqlite('b', { path: 'b.db' }).step('b1', { up: 'SELECT 1', dependsOn: [a.at('a2')] })
    assert.deepEqual(planOf([b, a]).names, ['b start', 'a start', 'a/a1', 'a/a2', 'b/b1'])
  })

  it('[A2] a target that cuts off what a step needs is refused, naming the step', () => {
    const b = sqlite('b', { path: 'b.db' }).step('b1', { up: 'SELECT 1', dependsOn: [a.at('a2')] })
    const plan = planOf([a, b], { a: { applied: ['a1'] }, b: { applied: [] } }, 'b@b1')
    assert.deepEqual(
      plan.refusals.map(({ code }) => code),
      ['DEPENDENCY_CUT_OFF'],
    )
    assert.match(plan.refusals[0]?.message ?? '', /b\/b1 needs a@a2/)
    assert.deepEqual(plan.items, [])
  })

  it('[A2] a circle, a missing store and a stale reference are refused when the state is defined', () => {
    const one = sqlite('one', { path: '1.db' }).step('x', { up: 'SELECT 1' })
    const two = sqlite('two', { path: '2.db' }).step('y', { up: 'SELECT 1', dependsOn: [one.at('x')] })
    const circular = sqlite('one', { path: '1.db' }).step('x', { up: 'SELECT 1', dependsOn: [two.at('y')] })
    assert.throws(
      () => checkDefinition([circular, two], []),
      /circle: one\/x -> two\/y -> one\/x|circle: two\/y -> one\/x -> two\/y/,
    )
    assert.throws(() => checkDefinition([two], []), /'one' is not part of this state/)
    const stale = sqlite('one', { path: '1.db' }).step('renamed', { up: 'SELECT 1' })
    assert.throws(() => checkDefinition([stale, two], []), /one@x, which does not exist/)
    assert.throws(() => checkDefinition([a, a], []), /two stores are named 'a'/)
  })

  it('[A2] a step sees the other store at its version: after that step and before the next', () => {
    const b = sqlite('b', { path: 'b.db' }).step('b1', { up: 'SELECT 1', reads: { a: a.at('a1') } })
    assert.deepEqual(planOf([a, b]).names, ['a start', 'a/a1', 'b start', 'b/b1', 'a/a2'])
  })

  it('[G2] a store that has left the version behind is refused, unless what came after is additive', () => {
    const b = sqlite('b', { path: 'b.db' }).step('b1', { up: 'SELECT 1', reads: { a: a.at('a1') } })
    const plan = planOf([a, b], { a: { applied: ['a1', 'a2'] } })
    assert.deepEqual(
      plan.refusals.map(({ code }) => code),
      ['VERSION_PASSED'],
    )
    assert.match(plan.refusals[0]?.message ?? '', /its step 'a2' lies in the way/)
    assert.deepEqual(planOf([a, b], { a: { applied: ['a1', '!a2'] } }).names, ['b start', 'b/b1'])
  })

  it('[R7] records are shown at an older version when they have a way back', () => {
    const One = z.object({ id: z.string() })
    const Two = z.object({ id: z.string(), name: z.string() })
    const start = record('r', { versionKey: 'v', unversioned: 1 }).version(1, One)
    const there = records('there', {
      path: 'r',
      files: '*.json',
      record: start.version(2, Two, { up: (value) => ({ ...value, name: '' }) }),
    })
    const back = records('there', {
      path: 'r',
      files: '*.json',
      record: start.version(2, Two, { up: (value) => ({ ...value, name: '' }), down: ({ id }) => ({ id }) }),
    })
    const reading = (from: typeof there) =>
      sqlite('b', { path: 'b.db' }).step('b1', { up: 'SELECT 1', reads: { there: from.at(1) } })
    assert.deepEqual(
      planOf([there, reading(there)], { there: { applied: ['v1', 'v2'] } }).refusals.map(({ code }) => code),
      ['VERSION_PASSED'],
    )
    assert.deepEqual(planOf([back, reading(back)], { there: { applied: ['v1', 'v2'] } }).names, ['b start', 'b/b1'])
  })

  it('[W2] a fresh store gets the flat schema; its steps only when one of them moves data in that is there', () => {
    const notes = directory('notes', { path: 'notes' }).step('n1', { up() {} })
    const flat = sqlite('index', { path: 'i.db' })
      .step('create', { up: 'SELECT 1' })
      .step('import', { up: 'SELECT 1', reads: { notes: notes.at('n1') } })
      .flat('CREATE TABLE t(x)')
      .step('later', { up: 'SELECT 1' })
    assert.deepEqual(planOf([notes, flat]).names, ['notes start', 'notes/n1', 'index flat', 'index/later'])
    assert.deepEqual(planOf([notes, flat], { notes: { applied: ['n1'] } }).names, [
      'index start',
      'index/create',
      'index/import',
      'index/later',
    ])
  })

  it('[R3] a target that lies behind is refused, and unknown ones name what there is', () => {
    assert.deepEqual(
      planOf([a], { a: { applied: ['a1', 'a2'] } }, 'a@a1').refusals.map(({ code }) => code),
      ['TARGET_BEHIND'],
    )
    assert.throws(() => planOf([a], {}, 'a@a3'), { code: 'TARGET_UNKNOWN', message: /no step or version 'a3'/ })
    assert.throws(() => planOf([a], {}, 'b@1'), { code: 'TARGET_UNKNOWN', message: /no store 'b'/ })
    assert.deepEqual(planOf([a], { a: { applied: [] } }, 'a@1').names, ['a/a1'])
  })

  it('[G2] one store that cannot be handled refuses the whole plan', () => {
    const b = directory('b', { path: 'b' }).step('b1', { up() {} })
    const plan = planOf([a, b], { b: { found: { is: 'data' } } })
    assert.deepEqual(plan.items, [])
    assert.deepEqual(
      plan.refusals.map(({ code }) => code),
      ['STORE_LEGACY'],
    )
  })
})

describe('segments: what is committed together', () => {
  it('[G3] stores that only follow one another are one segment, committed in that order', () => {
    const b = sqlite('b', { path: 'b.db' }).step('b1', { up: 'SELECT 1', dependsOn: [a.at('a2')] })
    const [segment, ...more] = planOf([b, a]).segments()
    assert.equal(more.length, 0)
    assert.deepEqual(
      segment?.groups.map(({ stores }) => stores),
      [['a'], ['b']],
    )
  })

  it('[R11] stores that one step writes are one group, and its database decides', () => {
    const files = directory('files', { path: 'files' })
    const b = sqlite('b', { path: 'b.db' }).step('move', { up: 'SELECT 1', writes: { files: files.at(0) } })
    const [segment] = planOf([files, b]).segments()
    assert.deepEqual(
      segment?.groups.map(({ stores, decider }) => [[...stores].sort(), decider]),
      [[['b', 'files'], 'b']],
    )
  })

  it('[G1] steps that would need commits in a circle are cut, so that no order is broken by a crash', () => {
    const first = sqlite('a', { path: 'a.db' }).step('a1', { up: 'SELECT 1' })
    const b = sqlite('b', { path: 'b.db' }).step('b1', { up: 'SELECT 1', dependsOn: [first.at('a1')] })
    const both = first.step('a2', { up: 'SELECT 1', dependsOn: [b.at('b1')] })
    const segments = planOf([both, b]).segments()
    assert.deepEqual(
      segments.map(({ items }) => items.flatMap((item) => (item.action === 'step' ? [item.step.name] : []))),
      [['a1', 'b1'], ['a2']],
    )
  })

  it('[G1] with one database, or none, the whole plan is one commit, whatever depends on whatever', () => {
    const files = directory('files', { path: 'files' }).step('f1', { up() {} })
    const b = sqlite('b', { path: 'b.db' }).step('b1', { up: 'SELECT 1', dependsOn: [files.at('f1')] })
    const both = files.step('f2', { up() {}, dependsOn: [b.at('b1')] })
    const other = directory('other', { path: 'other' }).step('o1', { up() {} })
    const segments = planOf([both, b, other]).segments()
    assert.deepEqual(
      segments.map(({ groups }) => groups.map(({ stores, decider }) => [stores.toSorted(), decider])),
      [[[['b', 'files', 'other'], 'b']]],
    )
  })

  it('[G1] two databases never decide one commit', () => {
    const files = directory('files', { path: 'files' })
    const x = sqlite('x', { path: 'x.db' }).step('x1', { up: 'SELECT 1', writes: { files: files.at(0) } })
    const y = sqlite('y', { path: 'y.db' }).step('y1', { up: 'SELECT 1', writes: { files: files.at(0) } })
    const segments = planOf([files, x, y]).segments()
    for (const { groups } of segments)
      for (const { stores } of groups) assert.ok(stores.filter((store) => store !== 'files').length <= 1, stores.join())
    assert.deepEqual(segments.flatMap(({ items }) => items).length, planOf([files, x, y]).items.length)
  })

  it('[G1] whatever depends on whatever: the plan and its commits keep every order, and nothing is lost', () => {
    const arbitrary = fc.array(
      fc.record({
        store: fc.integer({ min: 0, max: 4 }),
        needs: fc.array(fc.nat(30), { maxLength: 3 }),
        writes: fc.option(fc.integer({ min: 0, max: 4 })),
      }),
      { maxLength: 25 },
    )
    fc.assert(
      fc.property(arbitrary, (given) => {
        // Stores 0 to 2 are databases, 3 and 4 directories; a step may need any step that was made before it
        let stores: any[] = [0, 1, 2, 3, 4].map((n) =>
          n < 3 ? sqlite(`s${n}`, { path: `${n}.db` }) : directory(`s${n}`, { path: `d${n}` }),
        )
        const made: { store: number; name: string }[] = []
        given.forEach(({ store, needs, writes }, index) => {
          const dependsOn = needs.flatMap((need) => (made[need] ? [stores[made[need].store].at(made[need].name)] : []))
          const other =
            writes !== null && writes !== store && (writes >= 3 || store >= 3)
              ? { writes: { other: stores[writes].at(made.filter((each) => each.store === writes).length) } }
              : {}
          stores = stores.with(store, stores[store].step(`n${index}`, { up: () => undefined, dependsOn, ...other }))
          made.push({ store, name: `n${index}` })
        })
        const plan = planOf(stores)
        assert.deepEqual(plan.refusals, [])
        const steps = plan.items.filter((item) => item.action === 'step')
        assert.equal(steps.length, given.length)
        const order = plan.items.map((item) => item.key)
        for (const item of plan.items)
          for (const key of item.after)
            if (order.includes(key))
              assert.ok(order.indexOf(key) < order.indexOf(item.key), `${key} before ${item.key}`)

        // The order in which a crash could find the steps committed: segment by segment, group by group
        const segments = plan.segments()
        const committed = segments.flatMap(({ items, groups }) =>
          groups.map(({ stores: group }) => items.filter((item) => group.includes(item.store)).map((item) => item.key)),
        )
        assert.deepEqual(committed.flat().toSorted(), order.toSorted())
        const at = new Map(committed.flatMap((keys, index) => keys.map((key) => [key, index] as const)))
        for (const item of plan.items)
          for (const key of item.after)
            assert.ok((at.get(key) ?? -1) <= (at.get(item.key) ?? 0), `${key} committed before ${item.key}`)
        assert.deepEqual(planOf(stores).names, plan.names, 'deterministic')
      }),
      { numRuns: 300 },
    )
  })
})
