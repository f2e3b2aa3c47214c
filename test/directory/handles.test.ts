import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { directory } from '#moult/stores/directory/directory.js'
import type { FilesReader, FilesWriter } from '#moult/stores/files/files.js'
import { put } from '../disk/tree.js'
import { anything, collect, context, fails, tryStep, workbench } from './workbench.js'

const notes = directory('notes', { path: 'notes', derived: ['.embeddings/**'] })

test('[R7] an iteration sees what was there when it began', async (t) => {
  const at = workbench(t)
  put(at.root, { 'notes/a.md': 'a', 'notes/b.md': 'b', 'notes/log.jsonl': '{"n":1}\n{"n":2}\n' })
  const seen: string[] = []
  await at.upgrade(
    notes.step('copy', {
      async up({ files }) {
        for await (const file of files.glob('*.md')) {
          seen.push(file)
          await files.write(`copy-of-${file}`, await files.text(file))
          if (file === 'a.md') await files.write('aa.md', 'new')
        }
        for await (const { n } of files.lines('log.jsonl', anything)) {
          seen.push(String(n))
          await files.write('log.jsonl', '{"n":3}\n')
        }
        assert.deepEqual(await collect(files.glob('*a.md')), ['a.md', 'aa.md', 'copy-of-a.md'])
      },
    }),
  )
  assert.deepEqual(seen, ['a.md', 'b.md', '1', '2'])
})

test('[R5] a step can neither see nor touch what is not its store’s', async (t) => {
  const inner = directory('inner', { path: 'notes/inner' })
  const at = workbench(t, inner)
  put(at.root, {
    'notes/a.md': 'a',
    'notes/inner/x.md': 'x',
    'notes/skip.log': 's',
    'notes/.embeddings/a.bin': 'e',
    'outside.md': 'o',
  })
  fs.symlinkSync('a.md', join(at.root, 'notes/link.md'))
  fs.linkSync(join(at.root, 'outside.md'), join(at.root, 'notes/hard.md'))
  const store = directory('notes', { path: 'notes', ignore: ['*.log'], derived: ['.embeddings/**'] }).step('pry', {
    async up({ files }) {
      assert.deepEqual(await collect(files.glob('**')), ['a.md', 'hard.md'])
      for (const path of [
        '../outside.md',
        '/etc/passwd',
        'inner/x.md',
        'inner/new.md',
        'skip.log',
        '.schema-version',
        'x/../../y',
        '.moult/lock',
        '',
      ]) {
        await assert.rejects(files.write(path, 'x'), TypeError, path)
        await assert.rejects(files.read(path), TypeError, path)
        await assert.rejects(files.move('a.md', path), TypeError, path)
      }
      await assert.rejects(files.write('.embeddings/a.bin', ''), TypeError)
      for (const path of ['link.md', 'hard.md']) {
        await assert.rejects(files.delete(path), fails('FILE_UNSUPPORTED'), path)
        await assert.rejects(files.write(path, 'x'), fails('FILE_UNSUPPORTED'), path)
      }
      await assert.rejects(files.read('link.md'), fails('FILE_UNSUPPORTED'))
      await assert.rejects(files.read('none.md'), { code: 'ENOENT' })
      await assert.rejects(files.move('a.md', 'hard.md'), { code: 'EEXIST' })
    },
  })
  await at.upgrade(store)
  assert.equal(at.text('outside.md'), 'o')
})

test('[R3] a handle is dead once its step has ended, and says which step and what to do', async (t) => {
  const at = workbench(t)
  put(at.root, { 'notes/a.md': 'a', 'notes/log.jsonl': '{}\n{}\n' })
  let kept: FilesWriter | undefined
  let reader: FilesReader | undefined
  let paths: AsyncIterator<string> | undefined
  await at.upgrade(
    notes.step('keep', {
      async up({ files }) {
        kept = files
        paths = files.glob('*')[Symbol.asyncIterator]()
        await paths.next()
      },
      validate({ files }) {
        reader = files
        assert.ok(!('write' in files))
        return true
      },
    }),
  )
  const files = kept!
  const dead = fails('HANDLE_EXPIRED', /notes\/keep/)
  for (const each of [files, reader!]) {
    for (const use of [
      () => each.read('a.md'),
      () => each.text('a.md'),
      () => each.exists('a.md'),
      () => each.json('a.md', anything),
    ]) {
      await assert.rejects(use, dead)
    }
    assert.throws(() => each.glob('*'), dead)
    assert.throws(() => each.lines('log.jsonl', anything), dead)
  }
  for (const use of [
    () => files.write('b.md', 'b'),
    () => files.writeJson('b.json', anything, {}),
    () => files.move('a.md', 'b.md'),
    () => files.delete('a.md'),
    () => files.rewrite('*', { from: anything, to: anything }, (value) => value),
  ]) {
    await assert.rejects(use, dead)
  }
  await assert.rejects(paths!.next(), dead)
  assert.equal(at.text('notes/a.md'), 'a')
})

test('[R3][G1] a step that does not await what it starts fails, whatever became of the rest', async (t) => {
  const loose: Promise<unknown>[] = []
  const ways: Record<string, (files: FilesWriter) => void> = {
    'a rewrite': (files) =>
      void loose.push(
        files.rewrite('*.json', { from: anything, to: anything }, (value) => ({ ...value, n: 1 })).catch(() => {}),
      ),
    'a loop': (files) => {
      const loop = async (): Promise<void> => {
        for (let n = 0; n < 50; n++) await files.write(`${n}.md`, '')
      }
      loose.push(loop().catch(() => {}))
    },
  }
  for (const [name, start] of Object.entries(ways)) {
    const at = workbench(t)
    put(at.root, Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`notes/${n}.json`, '{}'])))
    const store = notes.step('loose', { up: ({ files }) => start(files) })
    await assert.rejects(tryStep(at, store), fails('HANDLE_EXPIRED', /notes\/loose/), name)
  }
  for (const late of ['own', 'view']) {
    const at = workbench(t)
    let kept: FilesWriter | undefined
    const store = notes.step('late', { up: ({ files }) => void (kept = files) })
    const transaction = await at.begin(store)
    await at.apply(transaction, store)
    const view = transaction.view(0, 'write', 'index/import')
    view.expire()
    await transaction.prepare()
    const files = late === 'own' ? kept : (view.value as FilesWriter)
    await assert.rejects(files!.write('late.md', ''), fails('HANDLE_EXPIRED'))
    await assert.rejects(transaction.prepare(), fails('HANDLE_EXPIRED'), late)
  }
  for (const [name, start] of Object.entries(ways)) {
    const at = workbench(t)
    put(at.root, Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`notes/${n}.json`, '{}'])))
    const transaction = await at.begin(notes)
    const view = transaction.view(0, 'write', 'index/import')
    start(view.value as FilesWriter)
    assert.throws(() => view.expire(), fails('HANDLE_EXPIRED', /index\/import/))
    await Promise.all(loose)
    await assert.rejects(transaction.prepare(), fails('HANDLE_EXPIRED', /index\/import/), name)
  }
})

test('[R8] step code gets what it needs to know of the run', async (t) => {
  const at = workbench(t)
  const reported: unknown[] = []
  const store = notes.step('one', {
    up: ({ signal, dryRun, progress }) => {
      assert.equal(signal, context.signal)
      assert.equal(dryRun, true)
      progress(1, 2)
      progress(2)
    },
  })
  const transaction = await at.begin(store)
  await transaction.apply(
    store['~store'].lane.steps[0]!,
    {},
    { ...context, dryRun: true, progress: (...given) => reported.push(given) },
  )
  assert.deepEqual(reported, [
    [1, 2],
    [2, undefined],
  ])
})

test('[P2] however many files a step reads, writes and moves, the app’s timers go on', async (t) => {
  const at = workbench(t)
  put(at.root, { 'notes/a': 'a' })
  const calls: Record<string, (files: FilesWriter) => Promise<unknown>> = {
    write: (files) => files.write('b', 'b'),
    text: (files) => files.text('a'),
    exists: (files) => files.exists('a'),
    move: async (files) => {
      await files.move('a', 'c')
      await files.move('c', 'a')
    },
    glob: (files) => collect(files.glob('*')),
  }
  const silent: string[] = []
  await at.upgrade(
    notes.step('loop', {
      async up({ files }) {
        for (const [name, call] of Object.entries(calls)) {
          let ticks = 0
          const timer = setInterval(() => (ticks += 1), 5)
          for (const end = performance.now() + 200; performance.now() < end;) await call(files)
          clearInterval(timer)
          if (ticks < 3) silent.push(name)
        }
      },
    }),
  )
  assert.deepEqual(silent, [])
})

test('[R5] only names with a leading dot are moult’s own: others that look like them are the store’s files', async (t) => {
  const at = workbench(t)
  put(at.root, { 'notes/x.moult-tmp': 'x', 'notes/.y.moult-tmp': 'y' })
  await at.upgrade(
    notes.step('write', {
      async up({ files }) {
        assert.deepEqual(await collect(files.glob('**')), ['x.moult-tmp'])
        await files.write('a.moult-run', 'a')
        for (const own of ['.moult', '.moult-run', '.a.moult-run', '.a.moult-tmp', 'd/.moult/x'])
          await assert.rejects(files.write(own, ''), TypeError, own)
      },
    }),
  )
  assert.equal(fs.readFileSync(join(at.root, 'notes/a.moult-run'), 'utf8'), 'a')
})
