import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { directory, record, records, sqlite, track } from 'moult'
import type { MarkerEntry } from '#moult/model/marker.js'
import { planDowngrade } from '#moult/model/plan-downgrade.js'
import { planRun } from '#moult/model/plan.js'
import type { Plan, PlanItem } from '#moult/model/plan.js'
import { cutSegments, deciders } from '#moult/model/segments.js'
import { addStep, emptyLane } from '#moult/model/step.js'
import type { Lane } from '#moult/model/step.js'
import type { Store } from '#moult/model/store.js'
import { resolveTargets } from '#moult/model/target.js'
import { z } from 'zod'
import { judge } from './scene.js'
import type { Seen } from './scene.js'

const both = { up: 'SELECT 1', down: 'SELECT 2' }

function namesOf({ items }: Plan): readonly string[] {
  return items.map((item) => ('step' in item ? `${item.store}/${item.step.name}` : `${item.store} ${item.action}`))
}

function downgradeOf(
  stores: readonly Store[],
  seen: Readonly<Record<string, Seen>>,
  targets: readonly `${string}@${string}`[],
): Plan & { readonly names: readonly string[]; readonly codes: readonly string[]; readonly message: string } {
  const verdicts = stores.map((store) => judge(store, seen[store.name]))
  const lanes = stores.flatMap((store) => [store['~store'].lane, ...(seen[store.name]?.tracks ?? [])])
  const plan = planDowngrade(verdicts, resolveTargets(targets, lanes) ?? new Map())
  return {
    ...plan,
    names: namesOf(plan),
    codes: plan.refusals.map(({ code }) => code),
    message: plan.refusals.map(({ message, hint }) => `${message} ${hint}`).join('\n'),
  }
}

/** A marker in which these entries stand as they do. */
function marked(store: string, names: readonly string[], change: (entry: MarkerEntry) => Partial<MarkerEntry>): Seen {
  const { marker } = judge(sqlite(store, { path: 'x.db' }), { applied: names })
  assert.ok(marker)
  return {
    found: {
      is: 'marked',
      marker: { ...marker, entries: marker.entries.map((each) => ({ ...each, ...change(each) })) },
    },
  }
}

const a = sqlite('a', { path: 'a.db' }).step('a1', both).step('a2', both).step('a3', both)
const allOfA = { applied: ['a1', 'a2', 'a3'] }

describe('[A6] the plan of a downgrade', () => {
  it('[A6] goes back to the target, the last step first, and is nothing where the store is there already', () => {
    assert.deepEqual(downgradeOf([a], { a: allOfA }, ['a@1']).names, ['a/a3', 'a/a2'])
    assert.deepEqual(downgradeOf([a], { a: allOfA }, ['a@a2']).names, ['a/a3'])
    assert.deepEqual(downgradeOf([a], { a: allOfA }, ['a@0']).names, ['a/a3', 'a/a2', 'a/a1'])
    const there = downgradeOf([a], { a: { applied: ['a1'] } }, ['a@1'])
    assert.deepEqual([there.names, there.codes], [[], []])
    assert.ok(downgradeOf([a], { a: allOfA }, ['a@1']).items.every(({ action }) => action === 'undo'))
  })

  it('[A6] a target ahead is refused, naming where the store is; also of a store without data', () => {
    const ahead = downgradeOf([a], { a: { applied: ['a1'] } }, ['a@3'])
    assert.deepEqual([ahead.names, ahead.codes], [[], ['TARGET_AHEAD']])
    assert.match(ahead.message, /a@3 lies ahead: 'a' is at version 1 \(a\/a1\)/)
    assert.deepEqual(downgradeOf([a], {}, ['a@1']).codes, ['TARGET_AHEAD'])
    assert.deepEqual(downgradeOf([a], {}, ['a@0']).codes, [])
  })

  it('[A6] one step without a way back refuses all, naming it and how far one can go', () => {
    const b = sqlite('b', { path: 'b.db' })
      .step('b1', { up: 'SELECT 1' })
      .step('b2', { up: 'SELECT 1', down: 'impossible' })
      .step('b3', both)
    const seen = { a: allOfA, b: { applied: ['b1', 'b2', 'b3'] } }
    assert.deepEqual(downgradeOf([a, b], seen, ['a@0', 'b@2']).names, ['b/b3', 'a/a3', 'a/a2', 'a/a1'])
    const stuck = downgradeOf([a, b], seen, ['a@0', 'b@0'])
    assert.deepEqual([stuck.names, stuck.codes], [[], ['DOWN_MISSING', 'DOWN_MISSING']])
    assert.match(stuck.message, /b\/b2 cannot be undone: it says that it has no way back.*no further than b@2/)
    assert.match(stuck.message, /b\/b1 cannot be undone: it has no 'down'/)
  })

  it('[A6] what did not run here is not undone: flat schemas, squashes, adopted data', () => {
    for (const [arrival, why] of [
      ['flat', /a flat schema stood for it/],
      ['adopted', /the data was there before moult/],
    ] as const) {
      const seen = marked('a', ['a1', 'a2', 'a3'], ({ place }) => (place <= 2 ? { arrival } : {}))
      assert.deepEqual(downgradeOf([a], { a: seen }, ['a@2']).names, ['a/a3'])
      const stuck = downgradeOf([a], { a: seen }, ['a@1'])
      assert.deepEqual(stuck.codes, ['DOWN_MISSING'])
      assert.match(stuck.message, why)
    }
    const squashed = sqlite('a', { path: 'a.db' })
      .flat('SELECT 1', { replaces: ['a1', 'a2'] })
      .step('a3', both)
    assert.deepEqual(downgradeOf([squashed], { a: allOfA }, ['a@2']).names, ['a/a3'])
    const middle = downgradeOf([squashed], { a: allOfA }, ['a@1'])
    assert.deepEqual(middle.codes, ['DOWN_MISSING'])
    assert.match(middle.message, /its code is not in this program/)
  })

  it('[A6] a step that had been skipped needs no way back', () => {
    const b = sqlite('b', { path: 'b.db' }).step('b1', { up: 'SELECT 1', down: 'impossible' })
    const seen = marked('b', ['b1'], () => ({ arrival: 'skipped' }))
    assert.deepEqual(downgradeOf([b], { b: seen }, ['b@0']).names, ['b/b1'])
  })

  it('[A6] data from before moult goes back no further than it came', () => {
    const old = a.adopt({ at: 'a2' })
    const seen = { a: { found: { is: 'data' } } } as const
    assert.deepEqual(downgradeOf([old], seen, ['a@2']).codes, [])
    assert.deepEqual(downgradeOf([old], seen, ['a@3']).codes, ['TARGET_AHEAD'])
    assert.deepEqual(downgradeOf([old], seen, ['a@1']).codes, ['STORE_LEGACY'])
  })

  it('[A6] records go back over versions that have a down and move no files; their first version stays', () => {
    const Item = record('item', { versionKey: 'v', unversioned: 1 })
      .version(1, z.object({ id: z.string() }))
      .version(2, z.object({ id: z.string(), n: z.number() }), {
        up: (value) => ({ ...value, n: 1 }),
        down: ({ n: _, ...rest }) => rest,
      })
      .version(3, z.object({ id: z.string(), n: z.number() }), { up: (value) => value, additive: true })
    const items = records('items', { path: 'items', files: '*.json', record: Item })
    const seen = { items: { applied: ['v1', 'v2'] } }
    assert.deepEqual(downgradeOf([items], seen, ['items@1']).names, ['items/v2'])
    assert.deepEqual(downgradeOf([items], seen, ['items@0']).codes, ['DOWN_MISSING'])
    // Additive: older programs may go on, but what it added would stay
    assert.deepEqual(downgradeOf([items], { items: { applied: ['v1', 'v2', '!v3'] } }, ['items@2']).codes, [
      'DOWN_MISSING',
    ])
    const moved = records('items', { path: 'items', files: '**', record: Item, layout: { 2: () => undefined } })
    assert.deepEqual(downgradeOf([moved], seen, ['items@1']).codes, ['DOWN_MISSING'])
  })
})

describe('[A6] a downgrade of several stores', () => {
  const b = sqlite('b', { path: 'b.db' })
    .step('b1', { ...both, reads: { a: a.at('a2') } })
    .step('b2', both)
  const seen = { a: allOfA, b: { applied: ['b1', 'b2'] } }

  it('[A6] a step of a store that stays and needs what would go refuses, naming it', () => {
    for (const how of ['reads', 'dependsOn'] as const) {
      const needs = how === 'reads' ? { reads: { a: a.at('a2') } } : { dependsOn: [a.at('a2')] }
      const other = sqlite('b', { path: 'b.db' }).step('b1', { ...both, ...needs })
      const plan = downgradeOf([a, other], { a: allOfA, b: { applied: ['b1'] } }, ['a@1'])
      assert.deepEqual([plan.names, plan.codes], [[], ['STILL_NEEDED']])
      assert.match(plan.message, /b\/b1 needs a@a2.*add the target b@0/)
      // What it doesn't need may go
      assert.deepEqual(downgradeOf([a, other], { a: allOfA, b: { applied: ['b1'] } }, ['a@2']).names, ['a/a3'])
    }
  })

  it('[A6] the order is exactly the reverse of the one in which an upgrade applies them', () => {
    const fresh = planRun([judge(a, { applied: [] }), judge(b, { applied: [] })], null)
    assert.deepEqual(namesOf(fresh), ['a/a1', 'a/a2', 'b/b1', 'b/b2', 'a/a3'])
    assert.deepEqual(downgradeOf([a, b], seen, ['b@0', 'a@0']).names, namesOf(fresh).toReversed())
  })

  it('[A6] a step is not undone where it could not be applied again: what it saw has gone on', () => {
    const plan = downgradeOf([a, b], seen, ['b@0'])
    assert.deepEqual(plan.codes, ['VERSION_PASSED'])
    assert.match(plan.message, /b\/b1 cannot be undone.*'a' has gone on since.*Bring 'a' back as well/)
    const additive = { ...seen, a: { applied: ['a1', 'a2', '!a3'] } }
    assert.deepEqual(downgradeOf([a, b], additive, ['b@0']).names, ['b/b2', 'b/b1'])
    assert.deepEqual(downgradeOf([a, b], { ...seen, a: { applied: ['a1'] } }, ['b@0']).codes, ['DEPENDENCY_CUT_OFF'])
  })

  it('[A6] a store that a step wrote is committed with it, whether named or not', () => {
    const notes = directory('notes', { path: 'notes' }).step('n1', { up: () => undefined, down: () => undefined })
    const writer = sqlite('w', { path: 'w.db' }).step('w1', { ...both, writes: { notes: notes.at('n1') } })
    const wrote = marked('w', ['w1'], () => ({ commit: 'c', wrote: ['notes'] }))
    const touched: Seen = {
      found: {
        is: 'marked',
        marker: {
          ...(judge(notes, { applied: ['n1'] }).marker ?? assert.fail()),
          touches: [{ by: 'w/w1', commit: 'c' }],
        },
      },
    }
    const now = { notes: touched, w: wrote }
    const one = downgradeOf([notes, writer], now, ['w@0'])
    assert.deepEqual(one.names, ['w/w1'])
    const [segment] = cutSegments(one.items, deciders([judge(notes, touched), judge(writer, wrote)]))
    assert.deepEqual(segment?.groups, [{ stores: ['w', 'notes'], decider: 'w' }])
    // The other way round the writer has to come along
    assert.deepEqual(downgradeOf([notes, writer], now, ['notes@0']).codes, ['STILL_NEEDED'])
    assert.deepEqual(downgradeOf([notes, writer], now, ['notes@0', 'w@0']).names, ['w/w1', 'notes/n1'])
    // Its code writes something else since
    const edited = sqlite('w', { path: 'w.db' }).step('w1', both)
    const plan = downgradeOf([notes, edited], now, ['w@0'])
    assert.deepEqual(plan.codes, ['STORE_EDITED'])
    assert.match(plan.message, /it wrote notes, and now names no other store/)
    // Somebody whom this program does not know wrote there
    const alone = downgradeOf([notes], { notes: touched }, ['notes@0'])
    assert.deepEqual(alone.codes, ['STILL_NEEDED'])
    assert.match(alone.message, /w\/w1 stands in the marker of 'notes'/)
  })

  it('[A6] tracks go back by themselves, before what they need, and one that is not here keeps its store', () => {
    const plugin = track('acme', a).step('tag', { ...both, dependsOn: [a.at('a2')] })
    const tracks: readonly Lane[] = [plugin['~lane']]
    const now = { a: { ...allOfA, tracks, trackApplied: { acme: ['tag'] } } }
    assert.deepEqual(downgradeOf([a], now, ['a/acme@0']).names, ['a/tag'])
    assert.deepEqual(downgradeOf([a], now, ['a@1']).codes, ['STILL_NEEDED'])
    assert.deepEqual(downgradeOf([a], now, ['a@1', 'a/acme@0']).names, ['a/tag', 'a/a3', 'a/a2'])
    const detached = { a: { ...allOfA, trackApplied: { acme: ['tag'] } } }
    assert.deepEqual(downgradeOf([a], detached, ['a@2']).codes, ['STILL_NEEDED'])
    assert.match(downgradeOf([a], detached, ['a@2']).message, /a\/acme\/tag stands in the marker/)
  })

  it('[A6] [G6] what a newer program wrote anywhere in the state refuses', () => {
    const newer = { ...seen, b: { applied: ['b1', 'b2', '!b3'], onNewer: 'refuse' as const } }
    assert.deepEqual(downgradeOf([a, b], newer, ['a@2']).codes, ['STORE_NEWER'])
  })
})

interface Built {
  readonly lanes: readonly Lane[]
  readonly stores: readonly Store[]
}

/** Stores whose steps refer to steps of stores before them in `order`, so that there is no circle. */
function build(shapes: readonly (readonly (readonly [number, number, number])[])[]): Built {
  const stores: Store[] = []
  for (const [index, steps] of shapes.entries()) {
    const name = 'abcde'[index] ?? 'z'
    const base = index % 2 === 0 ? sqlite(name, { path: `${name}.db` }) : directory(name, { path: name })
    let lane = emptyLane(name, '')
    for (const [number, [store, place, how]] of steps.entries()) {
      const other = stores[store % Math.max(1, stores.length)]
      const height = other?.['~store'].lane.names.length ?? 0
      const at =
        other && height > 0 ? { '~moult': 1, store: other.name, track: '', version: 1 + (place % height) } : null
      lane = addStep(lane, {
        name: `${name}${number + 1}`,
        up: 'SELECT 1',
        down: 'SELECT 2',
        validate: null,
        additive: how > 6,
        reads: at && how % 3 === 0 ? { other: at as never } : {},
        writes: {},
        dependsOn: at && how % 3 === 1 ? [at as never] : [],
        source: null,
        description: null,
      })
    }
    stores.push({ ...base, '~store': { ...base['~store'], lane } })
  }
  return { stores, lanes: stores.map((store) => store['~store'].lane) }
}

describe('[A6] any plan', () => {
  it('[A6] undoes nothing that a step still there needs, turns round what an upgrade would do, and refuses wholly', () => {
    const step = fc.tuple(fc.nat(4), fc.nat(4), fc.nat(9))
    const shapes = fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 5 })
    let planned = 0
    fc.assert(
      fc.property(shapes, fc.array(fc.nat(4), { minLength: 5, maxLength: 5 }), (given, cuts) => {
        const { stores, lanes } = build(given)
        const start = planRun(
          stores.map((store) => judge(store, { applied: [] })),
          null,
        )
        if (start.refusals.length > 0) return
        const entryNames = (lane: Lane): readonly string[] =>
          lane.steps.map(({ name, additive }) => (additive ? `!${name}` : name))
        const verdicts = stores.map((store, index) =>
          judge(store, { applied: entryNames(lanes[index] ?? assert.fail()) }),
        )
        const targets = new Map(lanes.map((lane, index) => [lane.store, Math.min(cuts[index] ?? 0, lane.names.length)]))
        const plan = planDowngrade(verdicts, targets)
        if (plan.refusals.length > 0) return assert.deepEqual(plan.items, [])
        planned++
        // Step by step: whatever is undone, nothing that stands needs it
        const standing = new Map(lanes.map((lane) => [lane.store, lane.names.length]))
        for (const item of plan.items) {
          assert.ok(item.action === 'undo')
          assert.equal(standing.get(item.store), item.place)
          standing.set(item.store, item.place - 1)
          for (const lane of lanes)
            for (const each of lane.steps.slice(0, standing.get(lane.store)))
              for (const { store, version } of [...Object.values(each.reads), ...each.dependsOn])
                assert.ok(Number(version) <= (standing.get(store) ?? 0), `${each.name} needs ${store}@${version}`)
        }
        assert.deepEqual(standing, targets)
        // And from there an upgrade does the same the other way round
        const below = stores.map((store, index) =>
          judge(store, { applied: entryNames(lanes[index] ?? assert.fail()).slice(0, targets.get(store.name)) }),
        )
        assert.deepEqual(namesOf(planRun(below, null)), namesOf(plan).toReversed())
        checkSegments(plan.items, planRun(below, null).items, deciders(verdicts))
      }),
      { numRuns: 3000 },
    )
    assert.ok(planned > 300, `${planned} plans`)
  })
})

/** What an upgrade does before, a downgrade undoes in the same commit or in a later one. */
function checkSegments(items: readonly PlanItem[], again: readonly PlanItem[], deciding: ReadonlySet<string>): void {
  const commits = cutSegments(items, deciding).flatMap((segment, number) =>
    segment.groups.map((group, at) => ({ group, at: number * 1000 + at, items: segment.items })),
  )
  const commitOf = (key: string): number => {
    const item = items.find((each) => each.key === key) ?? assert.fail()
    return commits.find((commit) => commit.items.includes(item) && commit.group.stores.includes(item.store))?.at ?? -1
  }
  for (const { key, after } of again)
    for (const earlier of after.filter((each) => items.some((item) => item.key === each)))
      assert.ok(commitOf(key) <= commitOf(earlier), `${key} before ${earlier}`)
}
