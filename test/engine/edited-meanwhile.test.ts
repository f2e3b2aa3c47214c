import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { defineState, directory, isMoultError, sqlite } from 'moult'
import type { RunEvent } from 'moult'
import { Crash } from '../disk/fault-disk.js'
import { replaceDisk } from '#moult/disk/disk.js'
import { temporaryFolder } from '../support/footprint.js'
import { openDatabase } from '../support/sqlite.js'

const titled = directory('notes', { path: 'notes' })
  .adopt('oldest')
  .step('title', {
    async up({ files }) {
      for await (const file of files.glob('*.md')) await files.write(file, `# Title\n${await files.text(file)}`)
    },
  })

test('[P16] a note that is edited after a crash in phase two is kept, told of by the next start, and named by verify', async (t) => {
  const root = temporaryFolder(t)
  mkdirSync(join(root, 'notes'))
  for (const name of ['1.md', '2.md', '3.md']) writeFileSync(join(root, 'notes', name), `old ${name}`)
  const state = defineState({ app: 'h', root, stores: [titled] })
  let isDead = false
  const heal = replaceDisk(
    (real) =>
      new Proxy(real, {
        get:
          (disk, name: keyof typeof real) =>
          (...args: unknown[]) => {
            isDead ||= name === 'rename' && args[1] === join(root, 'notes/2.md') && !String(args[0]).endsWith('probe')
            if (isDead) throw new Crash()
            return (disk[name] as (...given: unknown[]) => unknown)(...args)
          },
      }),
  )
  await assert.rejects(state.upgrade()).finally(heal)
  const read = (name: string): string => readFileSync(join(root, 'notes', name), 'utf8')
  assert.deepEqual(['1.md', '2.md'].map(read), ['# Title\nold 1.md', 'old 2.md'])
  writeFileSync(join(root, 'notes/2.md'), 'old 2.md, and what I wrote today')

  const events: RunEvent[] = []
  assert.equal((await state.upgrade({ onEvent: (event) => events.push(event) })).recovered, 'forward')
  assert.equal(read('2.md'), '# Title\nold 2.md')
  assert.equal(read('.2.md.1.moult-kept'), 'old 2.md, and what I wrote today')
  const warnings = events.flatMap((event) => (event.type === 'warning' ? [event] : []))
  assert.deepEqual(
    warnings.map(({ code }) => code),
    ['STORE_CHANGED'],
  )
  assert.match(warnings[0]?.message ?? '', /notes\/\.2\.md\.1\.moult-kept/)
  const { problems } = await state.verify()
  assert.deepEqual(
    problems.map(({ code, store }) => [code, store]),
    [['STORE_CHANGED', 'notes']],
  )
  assert.equal((await state.status()).stores[0]?.status, 'current')
})

for (const [how, edit] of [
  ['written into', (path: string) => writeFileSync(path, 'theirs')],
  ['replaced', (path: string) => (writeFileSync(`${path}~`, 'theirs'), renameSync(`${path}~`, path))],
] as const)
  test(`[P16] a file that is ${how} while COMMIT waits for a reader: STORE_CHANGED, and theirs stays`, async (t) => {
    const root = temporaryFolder(t)
    mkdirSync(join(root, 'notes'))
    for (const name of ['a.md', 'm.md']) writeFileSync(join(root, 'notes', name), 'old')
    const reader = openDatabase(join(root, 'x.db'))
    reader.exec('CREATE TABLE t(a); BEGIN; SELECT count(*) FROM t')
    const notes = directory('notes', { path: 'notes' }).adopt('oldest')
    const database = sqlite('db', { path: 'x.db' })
      .adopt('oldest')
      .step('both', {
        writes: { notes: notes.at(0) },
        async up({ db, stores }) {
          db.run('INSERT INTO t VALUES (1)')
          await stores.notes.write('a.md', 'new')
          await stores.notes.move('m.md', 'moved.md')
          await stores.notes.write('m.md', 'new')
        },
      })
    const upgrade = defineState({ app: 'h', root, stores: [notes, database] }).upgrade({ waitMs: 20_000 })
    const ended = upgrade.catch((error: unknown) => error)
    const run = join(root, '.moult/run')
    const hasIntent = (): boolean =>
      existsSync(run) && readdirSync(run).some((name) => /^commit-\d+\.jsonl$/.test(name))
    const since = performance.now()
    while (!hasIntent() && performance.now() - since < 15_000) await new Promise((resolve) => setTimeout(resolve, 10))
    await new Promise((resolve) => setTimeout(resolve, 100))
    for (const name of ['a.md', 'm.md']) edit(join(root, 'notes', name))
    const error = await ended
    assert.ok(isMoultError(error, 'STORE_CHANGED'), String(error))
    assert.equal(error.report?.outcome, 'put-back', error.message)
    assert.deepEqual(readdirSync(join(root, 'notes')).sort(), ['a.md', 'm.md'])
    for (const name of ['a.md', 'm.md']) assert.equal(readFileSync(join(root, 'notes', name), 'utf8'), 'theirs')
    reader.exec('COMMIT')
    assert.equal((await defineState({ app: 'h', root, stores: [notes, database] }).upgrade()).outcome, 'upgraded')
    assert.equal(reader.get('SELECT count(*) AS n FROM t')?.['n'], 1)
    reader.close()
  })
