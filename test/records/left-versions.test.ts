import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { record, records, sqlite } from 'moult'
import type { RunReport } from 'moult'
import { z } from 'zod'
import { put } from '../disk/tree.js'
import { fails, namedBy, stateInRoot } from './state.js'

/** Loose schemas, as apps have them: what is no version 1 may well look like a version 2. */
const PriceAt1 = record('price', { versionKey: false }).version(1, z.looseObject({ price: z.number() }))
const PriceAt2 = PriceAt1.version(2, z.looseObject({ amount: z.number().optional() }), {
  up: ({ price, ...rest }) => ({ ...rest, amount: price * 100 }),
})
const PriceAt3 = PriceAt2.version(3, z.looseObject({ amount: z.number().optional(), checked: z.boolean() }), {
  up: (price) => ({ ...price, checked: true }),
})
const chains = { 1: PriceAt1, 2: PriceAt2, 3: PriceAt3 }
const prices = (version: 1 | 2 | 3) =>
  records('prices', { path: 'prices', files: '*.json', record: chains[version] }).adopt('oldest')
const pricesAt3 = records('prices', { path: 'prices', files: '*.json', record: PriceAt3 }).adopt('oldest')
const logs = (version: 1 | 2 | 3) =>
  records('logs', { path: 'logs', files: '*.jsonl', each: 'line', record: chains[version] }).adopt('oldest')
const lists = (version: 1 | 2 | 3) =>
  records('lists', { path: 'lists', files: '*.json', each: 'element', record: chains[version] }).adopt('oldest')

const leftOf = (report: RunReport): unknown[] => (report.stores[0]?.left ?? []).map(({ reason: _, ...left }) => left)
const isBad1 = { file: 'bad.json', at: 1 }

test('[G8] what is no version 1 is not taken for a version 2, in one run or over several releases', async (t) => {
  for (const releases of [[3], [2, 3], [1, 2, 3], [1, 1, 2, 2, 3, 3]] as const) {
    const at = stateInRoot(t)
    put(at.root, { 'prices/a.json': '{"price": 5}', 'prices/bad.json': '{"price": "5"}' })
    for (const release of releases) assert.deepEqual(leftOf(await at.upgrade(prices(release))), [isBad1])
    assert.equal(at.text('prices/a.json'), '{"amount": 500, "checked": true}')
    assert.equal(at.text('prices/bad.json'), '{"price": "5"}')
    assert.deepEqual(namedBy(await at.verify(prices(3))), ['prices/bad.json'])
  }
})

test('[G8] a document that was only touched, or copied without its times, is still what was left', async (t) => {
  const at = stateInRoot(t)
  put(at.root, { 'prices/bad.json': '{"price": "5"}' })
  await at.upgrade(prices(2))
  fs.utimesSync(join(at.root, 'prices/bad.json'), 1, 1)
  assert.deepEqual(leftOf(await at.upgrade(prices(2))), [isBad1])
  const copy = stateInRoot(t)
  fs.cpSync(at.root, copy.root, { recursive: true })
  assert.deepEqual(leftOf(await copy.upgrade(prices(3))), [isBad1])
  assert.equal(copy.text('prices/bad.json'), '{"price": "5"}')
})

test('[G8] one that was left for its second name is brought forward from where it was once that name is gone', async (t) => {
  const at = stateInRoot(t)
  put(at.root, { 'prices/a.json': '{"price": 5}' })
  fs.linkSync(join(at.root, 'prices/a.json'), join(at.root, 'second-name'))
  for (const release of [2, 3] as const)
    assert.deepEqual(leftOf(await at.upgrade(prices(release))), [{ file: 'a.json', at: 1 }])
  fs.unlinkSync(join(at.root, 'second-name'))
  assert.deepEqual(leftOf(await at.upgrade(prices(3))), [])
  assert.equal(at.text('prices/a.json'), '{"amount": 500, "checked": true}')
})

test('[G8] one that was written anew is the version that it fits', async (t) => {
  const at = stateInRoot(t)
  const Strict2 = PriceAt1.version(2, z.looseObject({ amount: z.number() }), {
    up: ({ price, ...rest }) => ({ ...rest, amount: price * 100 }),
  })
  const store = records('prices', { path: 'prices', files: '*.json', record: Strict2 }).adopt('oldest')
  put(at.root, { 'prices/mended.json': '{', 'prices/anew.json': '{', 'prices/neither.json': '{' })
  await at.upgrade(store)
  put(at.root, {
    'prices/mended.json': '{"price": 5}',
    'prices/anew.json': '{"amount": 7}',
    'prices/neither.json': '{"cost": 7}',
  })
  const report = await at.upgrade(store)
  assert.deepEqual(leftOf(report), [{ file: 'neither.json', at: 1, or: [2] }])
  assert.match(report.stores[0]?.left[0]?.reason ?? '', /it is no version 1/)
  assert.equal(at.text('prices/mended.json'), '{"amount": 500}')
  assert.equal(at.text('prices/anew.json'), '{"amount": 7}')
})

test('[G8] one that was written anew and fits two versions stays as it is and is named, until somebody says which it is', async (t) => {
  const at = stateInRoot(t)
  put(at.root, { 'prices/a.json': '{"price": 5}', 'prices/bad.json': '{"price": "5"}' })
  await at.upgrade(prices(2))
  // Either a person mended the version 1, or the app, which keeps what it does not know, saved its version 2
  put(at.root, { 'prices/bad.json': '{"price": 5, "amount": 700}' })
  for (const release of [2, 2, 3, 3] as const) {
    const report = await at.upgrade(prices(release))
    assert.deepEqual(leftOf(report), [{ file: 'bad.json', at: 1, or: [2] }])
    assert.match(report.stores[0]?.left[0]?.reason ?? '', /fits version 1 as well as 2: nobody can tell which it is/)
    assert.equal(at.text('prices/bad.json'), '{"price": 5, "amount": 700}')
  }
  const [problem] = await at.verify(prices(3))
  assert.match(problem?.hint ?? '', /version 3.*take it out/)
  assert.equal((await at.upgrade(prices(3))).outcome, 'up-to-date')

  const index = sqlite('index', { path: 'index.db' }).step('sum', {
    reads: { prices: pricesAt3.at(3) },
    async up({ stores }) {
      await assert.rejects(stores.prices.get('bad.json'), fails('RECORD_REJECTED', /nobody can tell/))
      for await (const { file } of stores.prices.all({ invalid: 'skip' })) assert.equal(file, 'a.json')
    },
  })
  await at.of(pricesAt3, index).upgrade()

  fs.renameSync(join(at.root, 'prices/bad.json'), join(at.root, 'taken-out'))
  assert.deepEqual(leftOf(await at.upgrade(prices(3))), [])
  put(at.root, { 'prices/bad.json': '{"amount": 700, "checked": false}' })
  assert.deepEqual(await at.verify(prices(3)), [])
})

test('[G8] where it comes to the same, it does not matter which version a document is', async (t) => {
  const at = stateInRoot(t)
  const Same = PriceAt1.version(2, z.looseObject({ price: z.number() }), { additive: true, up: (price) => price })
  const store = records('prices', { path: 'prices', files: '*.json', record: Same }).adopt('oldest')
  put(at.root, { 'prices/bad.json': '{' })
  await at.upgrade(store)
  put(at.root, { 'prices/bad.json': '{"price": 5}' })
  assert.deepEqual(leftOf(await at.upgrade(store)), [])
})

test('[G8] a change that throws for a version that was only supposed is nobody’s fault', async (t) => {
  const at = stateInRoot(t)
  const Fragile = PriceAt1.version(2, z.looseObject({}), {
    up: (price) => {
      if (price['amount'] !== undefined) throw new Error('no version 1')
      return price
    },
  })
  const store = records('prices', { path: 'prices', files: '*.json', record: Fragile }).adopt('oldest')
  put(at.root, { 'prices/bad.json': '{' })
  await at.upgrade(store)
  put(at.root, { 'prices/bad.json': '{"price": 5, "amount": 500}' })
  assert.deepEqual(leftOf(await at.upgrade(store)), [{ file: 'bad.json', at: 1, or: [2] }])
})

test('[G8] the lines of a log that was left for its second name are what they were; a bad one is, wherever it stands', async (t) => {
  const at = stateInRoot(t)
  put(at.root, { 'logs/a.jsonl': '{"price":1}\n{"price":"2"}\n{"price":3}\n' })
  await at.upgrade(logs(2))
  fs.linkSync(join(at.root, 'logs/a.jsonl'), join(at.root, 'second-name'))
  const bad = { file: 'a.jsonl:2', at: 1 }
  assert.deepEqual(leftOf(await at.upgrade(logs(3))), [{ file: 'a.jsonl', at: 2 }, bad])
  assert.equal(at.text('logs/a.jsonl'), '{"amount":100}\n{"price":"2"}\n{"amount":300}\n')
  fs.unlinkSync(join(at.root, 'second-name'))
  assert.deepEqual(leftOf(await at.upgrade(logs(3))), [bad])
  const line = '{"amount":100,"checked":true}\n'
  assert.equal(at.text('logs/a.jsonl'), `${line}{"price":"2"}\n${line.replace('1', '3')}`)

  put(at.root, { 'logs/a.jsonl': `${line}${line}${line}{"price":"2"}\n` })
  assert.deepEqual(leftOf(await at.upgrade(logs(3))), [{ file: 'a.jsonl:4', at: 1 }])
})

test('[G8] an array that cannot be read for a while keeps in mind which of its elements were behind', async (t) => {
  const at = stateInRoot(t)
  put(at.root, { 'lists/a.json': '[{"price":1}, {"price":"2"}]' })
  await at.upgrade(lists(2))
  const text = at.text('lists/a.json')
  assert.equal(text, '[{"amount":100}, {"price":"2"}]')
  put(at.root, { 'lists/a.json': text.slice(0, -1) })
  const bad = { file: 'a.json[1]', at: 1 }
  for (const release of [2, 3] as const)
    assert.deepEqual(leftOf(await at.upgrade(lists(release))), [{ file: 'a.json', at: 2 }, bad])
  put(at.root, { 'lists/a.json': text })
  assert.deepEqual(leftOf(await at.upgrade(lists(3))), [bad])
  assert.equal(at.text('lists/a.json'), '[{"amount":100,"checked":true}, {"price":"2"}]')
})

test('[G8] what a layout or another store’s step writes in the place of a document that was left is not behind', async (t) => {
  const at = stateInRoot(t)
  const store = records('prices', {
    path: 'prices',
    files: '*.json',
    record: PriceAt3,
    layout: { 2: async ({ files }) => files.write('bad.json', '{"amount": 900, "price": 9}') },
  }).adopt('oldest')
  put(at.root, { 'prices/a.json': '{"price": "1"}', 'prices/bad.json': '{"price": "5"}' })
  assert.deepEqual(leftOf(await at.upgrade(store)), [{ file: 'a.json', at: 1 }])
  assert.equal(at.text('prices/bad.json'), '{"amount": 900, "price": 9, "checked": true}')
  const index = sqlite('index', { path: 'index.db' }).step('mend', {
    writes: { prices: store.at(3) },
    async up({ stores }) {
      await stores.prices.put('a.json', { amount: 1, price: 1, checked: true })
      assert.deepEqual(await stores.prices.get('a.json'), { amount: 1, price: 1, checked: true })
    },
  })
  assert.deepEqual(leftOf(await at.of(store, index).upgrade()), [])
})
