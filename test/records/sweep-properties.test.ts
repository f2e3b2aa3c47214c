import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { record, records } from 'moult'
import { z } from 'zod'
import { look, put } from '../disk/tree.js'
import { namedBy, stateInRoot } from './state.js'

/** Changes that move, add, rename and remove members, over whatever else a document has. */
const open = z.looseObject({})
const shapes = record('shape', { versionKey: 'v', unversioned: 1 })
  .version(1, open)
  .version(2, open, { up: ({ a, ...rest }) => ({ ...rest, renamed: a ?? null }) })
  .version(3, open, { up: (value) => ({ added: [1, { b: 2 }], ...value }) })
  .version(4, open, {
    up: (value) => {
      if (Array.isArray(value['list'])) value['list'].shift()
      delete value['b']
      return value
    },
  })

const key = fc.constantFrom('a', 'b', 'list', 'n', '7', '__proto__', 'é', 'toString')
const documents = fc.letrec<{ value: unknown; object: Record<string, unknown> }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.integer(),
    fc.string(),
    fc.constant(null),
    fc.boolean(),
    fc.array(tie('value'), { maxLength: 3 }),
    tie('object'),
  ),
  object: fc
    .array(fc.tuple(key, tie('value')), { maxLength: 4 })
    .map((entries) => Object.fromEntries(new Map(entries))),
}))
const written = fc
  .record({
    value: documents.object,
    version: fc.constantFrom(undefined, 1, 2, 3, 4, 5, '1'),
    indent: fc.constantFrom(0, 2, '\t'),
    tail: fc.constantFrom('', '\n', ' \r\n'),
    mark: fc.constantFrom('', '\uFEFF'),
    torn: fc.integer({ min: 0, max: 9 }),
  })
  .map(({ value, version, indent, tail, mark, torn }) => {
    const text = mark + JSON.stringify(version === undefined ? value : { v: version, ...value }, null, indent) + tail
    return torn === 0 ? text.slice(0, text.length >> 1) : text
  })

test('[C2] one run over three versions, three runs of one version, and the chain itself agree, byte for byte', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(written, { minLength: 1, maxLength: 6 }),
      fc.constantFrom('file' as const, 'line' as const),
      async (texts, each) => {
        const at = stateInRoot(t)
        const inSteps = stateInRoot(t)
        const store = records('shapes', { path: 'shapes', files: '*', each, record: shapes })
        const files =
          each === 'file'
            ? Object.fromEntries(texts.map((text, index) => [`shapes/${index}`, text]))
            : { 'shapes/all': texts.map((text) => text.replace(/[\r\n]/g, ' ')).join('\n') }
        put(at.root, files)
        put(inSteps.root, files)
        const old = look(join(at.root, 'shapes'))
        await at.upgrade(store)
        for (const version of [1, 2, 3, 4]) await inSteps.upgrade(store, { target: `shapes@${version}` })

        const seen = look(join(at.root, 'shapes'))
        const left = new Set((await at.status(store)).left.map(({ file }) => file))
        assert.deepEqual((await inSteps.status(store)).left, (await at.status(store)).left)
        for (const [path, text] of Object.entries(files)) {
          assert.equal(at.text(path), inSteps.text(path))
          if (each === 'line') continue
          const name = path.slice('shapes/'.length)
          if (left.has(name)) assert.equal(seen[name], old[name])
          else {
            const parse = (from: string): unknown => JSON.parse(from.replace(/^\uFEFF/, ''))
            assert.deepEqual(parse(at.text(path)), shapes.upgrade(parse(text)).value)
          }
        }
        // What is left is named one by one, but for documents of newer versions: those in one sentence
        const problems = await at.verify(store)
        const named = namedBy(problems).map((file) => file.slice('shapes/'.length))
        const groups = problems.filter(({ message }) => message.includes('newer version')).length
        assert.ok(named.every((file) => left.has(file)))
        assert.equal(named.length === 0, left.size === 0)
        assert.ok(groups <= 1 && (groups === 1 || named.length === left.size))
        for (const { root } of [at, inSteps]) fs.rmSync(root, { recursive: true, force: true })
      },
    ),
    { numRuns: 40 },
  )
})
