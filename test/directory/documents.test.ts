import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ErrorCode } from '#moult/model/errors.js'
import { directory } from '#moult/stores/directory/directory.js'
import { look, put } from '../disk/tree.js'
import { anything, collect, fails, schemaOf, tryStep, workbench } from './workbench.js'

const notes = directory('notes', { path: 'notes', derived: ['.embeddings/**'] })

test('[R7] a step changes the format of documents and splits them, and only what changed is rewritten', async (t) => {
  const at = workbench(t)
  const skills = directory('skills', { path: 'skills', files: ['**/*.json', '**/*.resources/**'] }).step('resources', {
    async up({ files }) {
      for await (const file of files.glob('**/*.json')) {
        const { content, ...rest } = await files.json(file, anything)
        await files.write(file.replace(/\.json$/, '.resources/main.md'), content as string)
        await files.writeJson(file, anything, { ...rest, manifest: ['main.md'] })
      }
    },
  })
  put(at.root, { 'skills/a/b.json': '{ "name":"\\u00e9",  "n": 1.0,"content":"# Hi" }\n' })
  await at.upgrade(skills)
  assert.equal(at.text('skills/a/b.json'), '{ "name":"\\u00e9",  "n": 1.0,  "manifest":["main.md"] }\n')
  assert.equal(at.text('skills/a/b.resources/main.md'), '# Hi')
})

test('[R7] lines and elements are rewritten one by one: blank lines, CRLF, byte order mark and number text stay', async (t) => {
  const at = workbench(t)
  const logs = directory('logs', { path: 'logs' }).step('names', {
    async up({ files }) {
      const change = (line: Record<string, unknown>) => ({ ...line, type: String(line['type']) })
      await files.rewrite('*.jsonl', { from: anything, to: anything, each: 'line' }, change)
      await files.rewrite('tasks.json', { from: anything, to: anything, each: 'element' }, (task) => ({
        ...task,
        directive: null,
      }))
      await files.rewrite('one.json', { from: anything, to: anything }, (one) => one)
    },
  })
  put(at.root, {
    'logs/a.jsonl': '\uFEFF{"type":1,"at":1e3}\r\n\r\n{ "type" : "x" }\n  \n{"type":2}',
    'logs/same.jsonl': '{"type":"x"}\n{"n":1}',
    'logs/tasks.json': '[\n  {"name": "a"},\n  {"name": "b"}\n]\n',
    'logs/one.json': '{"n": 1.00}',
  })
  fs.writeFileSync(join(at.root, 'logs/same.jsonl'), '{"type":"x"}\n\n{"type":"y"}')
  const before = look(at.root)
  const [applied] = await at.upgrade(logs)
  assert.equal(at.text('logs/a.jsonl'), '\uFEFF{"type":"1","at":1e3}\r\n\r\n{ "type" : "x" }\n  \n{"type":"2"}')
  assert.equal(
    at.text('logs/tasks.json'),
    '[\n  {"name": "a", "directive": null},\n  {"name": "b", "directive": null}\n]\n',
  )
  const after = look(at.root)
  for (const path of ['logs/same.jsonl', 'logs/one.json']) assert.equal(after[path], before[path], path)
  assert.equal(applied?.changes.filesChanged, 2)
})

test('[R7] a long log is streamed: lines longer and shorter than a piece come out whole', async (t) => {
  const at = workbench(t)
  const lines = Array.from({ length: 300 }, (_, n) => JSON.stringify({ n, text: 'é€😀'.repeat(n * 13) }))
  put(at.root, { 'notes/log.jsonl': `${lines.join('\n')}\n` })
  const seen: unknown[] = []
  await at.upgrade(
    notes.step('log', {
      async up({ files }) {
        for await (const line of files.lines('log.jsonl', anything)) seen.push(line)
        await files.rewrite('log.jsonl', { from: anything, to: anything, each: 'line' }, (line) => ({
          ...line,
          n: -(line['n'] as number) - 1,
        }))
      },
    }),
  )
  assert.deepEqual(
    seen,
    lines.map((line) => JSON.parse(line)),
  )
  const expected = lines.map((line, n) => line.replace(/"n":\d+/, `"n":${-n - 1}`))
  assert.equal(at.text('notes/log.jsonl'), `${expected.join('\n')}\n`)
})

test('[G8] a document that is no JSON, rounds, repeats a key, does not fit or is no UTF-8 stops the step, and none is quoted', async (t) => {
  const secret = 'hunter2'
  const picky = schemaOf<Record<string, unknown>>(({ id }) => typeof id === 'string', ['items', 3, 'a key'])
  const cases: Record<string, [string | Buffer, RegExp]> = {
    torn: [`{"id":"${secret}`, /notes\/x\.json: line 1, column/],
    empty: ['', /notes\/x\.json.*empty/],
    twice: [`{"id":"${secret}","id":"b"}`, /twice/],
    rounded: [`{"id":12345678901234567890}`, /round/],
    misfit: [`{"id":{"${secret}":1}}`, /fit its schema at \$\.items\[3\]\["a key"\]/],
    bytes: [Buffer.from([0x22, 0xff, 0x22]), /UTF-8/],
  }
  for (const [name, [content, pattern]] of Object.entries(cases)) {
    for (const use of ['json', 'rewrite'] as const) {
      const at = workbench(t)
      put(at.root, { 'notes/x.json': '' })
      fs.writeFileSync(join(at.root, 'notes/x.json'), content)
      const step = notes.step('read', {
        async up({ files }) {
          if (use === 'json') await files.json('x.json', picky)
          else await files.rewrite('*.json', { from: picky, to: anything }, (value) => value)
        },
      })
      await assert.rejects(tryStep(at, step), (error) => {
        assert.ok(fails('RECORD_REJECTED', pattern)(error), `${name} ${use}: ${String(error)}`)
        assert.ok(!(error as Error).message.includes(secret), name)
        assert.equal((error as { details: { file: string } }).details.file, 'notes/x.json')
        return true
      })
    }
  }
})

test('[G8] a torn or bad line is named by file and number, in reading and in rewriting', async (t) => {
  for (const [text, line] of [
    ['{"n":1}\n\n{"n":2', 3],
    ['{"n":1}\nnull x\n', 2],
  ] as const) {
    for (const use of ['lines', 'rewrite'] as const) {
      const at = workbench(t)
      put(at.root, { 'notes/log.jsonl': text })
      const step = notes.step('read', {
        async up({ files }) {
          if (use === 'lines') await collect(files.lines('log.jsonl', anything))
          else
            await files.rewrite('*.jsonl', { from: anything, to: anything, each: 'line' }, (value) => ({
              ...value,
              new: 1,
            }))
        },
      })
      await assert.rejects(tryStep(at, step), fails('RECORD_REJECTED', new RegExp(`notes/log\\.jsonl:${line}:`)))
    }
  }
  const at = workbench(t)
  put(at.root, { 'notes/list.json': '[{"id":1},{"id":2}]' })
  const onlyOne = schemaOf<Record<string, unknown>>(({ id }) => id === 1)
  const step = notes.step('list', {
    up: ({ files }) => files.rewrite('list.json', { from: onlyOne, to: anything, each: 'element' }, (value) => value),
  })
  await assert.rejects(tryStep(at, step), fails('RECORD_REJECTED', /notes\/list\.json\[1\]/))
})

test('[G8] what a step writes is checked as it will stand in the file', async (t) => {
  const version2 = schemaOf<Record<string, unknown>>((value) => 'name' in value)
  const changes: [(value: Record<string, unknown>) => Record<string, unknown>, ErrorCode][] = [
    [(value) => ({ ...value, name: undefined }), 'RECORD_REJECTED'],
    [() => ({ name: new Date(0) }), 'RECORD_REJECTED'],
    [() => ({ name: Number.NaN }), 'RECORD_REJECTED'],
    [() => undefined as never, 'RECORD_REJECTED'],
    [(async () => ({ name: 1 })) as never, 'STEP_FAILED'],
  ]
  for (const [change, code] of changes) {
    const at = workbench(t)
    put(at.root, { 'notes/a.json': '{"id":1}' })
    const rewrite = notes.step('one', {
      up: ({ files }) => files.rewrite('a.json', { from: anything, to: version2 }, change),
    })
    await assert.rejects(tryStep(at, rewrite), fails(code))
  }
  const at = workbench(t)
  const write = notes.step('two', { up: ({ files }) => files.writeJson('new.json', version2, { id: 1 }) })
  await assert.rejects(tryStep(at, write), fails('RECORD_REJECTED', /notes\/new\.json/))
})

test('[G8] defaults that a schema puts into what it checks, also in place, have no effect', async (t) => {
  const at = workbench(t)
  const meddling = schemaOf<Record<string, unknown>>((value) => {
    value['meddled'] = true
    return true
  })
  put(at.root, { 'notes/a.json': '{"id":1}', 'notes/b.json': '{"id":2}' })
  await at.upgrade(
    notes.step('meddle', {
      async up({ files }) {
        assert.deepEqual(await files.json('a.json', meddling), { id: 1 })
        await files.rewrite('a.json', { from: meddling, to: meddling }, (value) => ({ ...value, two: 2 }))
        await files.writeJson('b.json', meddling, { id: 3 })
      },
    }),
  )
  assert.equal(at.text('notes/a.json'), '{"id":1,"two":2}')
  assert.equal(at.text('notes/b.json'), '{"id":3}')
})

test('[G8] text that is not UTF-8 is never replaced; half a surrogate pair is not written', async (t) => {
  const at = workbench(t)
  put(at.root, { 'notes/a.txt': '\uFEFFü' })
  fs.writeFileSync(join(at.root, 'notes/b.txt'), Buffer.from([0x61, 0xfc]))
  await at.upgrade(
    notes.step('text', {
      async up({ files }) {
        assert.equal(await files.text('a.txt'), '\uFEFFü')
        assert.deepEqual(await files.read('b.txt').then((bytes) => [...bytes]), [0x61, 0xfc])
        await assert.rejects(files.text('b.txt'), fails('RECORD_REJECTED', /notes\/b\.txt.*UTF-8/))
        await assert.rejects(files.write('c.txt', 'x\ud800'), TypeError)
        await assert.rejects(files.write('c.txt', 5 as never), TypeError)
        assert.equal(await files.exists('c.txt'), false)
      },
    }),
  )
})
