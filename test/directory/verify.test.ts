import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { replaceDisk } from '#moult/disk/disk.js'
import type { Problem } from '#moult/model/report.js'
import type { Store } from '#moult/model/store.js'
import { directory } from '#moult/stores/directory/directory.js'
import { look, put } from '../disk/tree.js'
import { workbench } from './workbench.js'
import type { Workbench } from './workbench.js'

const notes = directory('notes', { path: 'notes', ignore: ['*.log', 'vendor'], derived: ['.embeddings/**'] })

const noDriver = { driver: () => Promise.reject(new Error('no driver')) }
const verify = (at: Workbench, store: Store): Promise<readonly Problem[]> =>
  store['~store'].code.verify(at.place(store), noDriver)
const summary = (problems: readonly Problem[]): string[] =>
  problems.map(({ code, message }) => `${code} ${/\S*notes\S*\/(\S+)/.exec(message)?.[1] ?? ''}`).sort()

test('[R5] verify finds nothing wrong in a whole store, one without a marker, and one that is not there', async (t) => {
  const at = workbench(t)
  assert.deepEqual(await verify(at, notes), [])
  put(at.root, { 'notes/a.md': 'x'.repeat(200_000), 'notes/b/c.md': '' })
  assert.deepEqual(await verify(at, notes), [])
  await at.upgrade(notes.step('one', { up() {} }))
  const before = look(at.root)
  assert.deepEqual(await verify(at, notes), [])
  assert.deepEqual(look(at.root), before)
})

test('[R5] verify names links, pipes, unreadable files and what a crash left, each once, and changes no byte', async (t) => {
  const at = workbench(t)
  put(at.root, {
    'notes/a.md': 'a',
    'notes/denied.md': 'd',
    'notes/broken.md': 'b',
    'notes/sub/.b.md.0123456789ab.moult-tmp': 't',
    'notes/.moult-run/in/0': 's',
    'notes/vendor/.x.0123456789ab.moult-tmp': 'not ours',
  })
  fs.symlinkSync('a.md', join(at.root, 'notes/link.md'))
  fs.linkSync(join(at.root, 'notes/a.md'), join(at.root, 'notes/twin.md'))
  execFileSync('mkfifo', [join(at.root, 'notes/pipe')])
  const handles = new Map<number, string>()
  const restore = replaceDisk((real) => ({
    ...real,
    open: (path, flags, mode) => {
      if (path.endsWith('denied.md')) throw Object.assign(new Error('denied'), { code: 'EACCES' })
      const fd = real.open(path, flags, mode)
      handles.set(fd, path)
      return fd
    },
    read: (fd, ...rest) => {
      if (handles.get(fd)?.endsWith('broken.md')) throw Object.assign(new Error('bad sector'), { code: 'EIO' })
      return real.read(fd, ...rest)
    },
  }))
  const problems = await verify(at, notes).finally(restore)
  assert.deepEqual(
    summary(problems),
    [
      'DISK_FAILED broken.md',
      'FILE_UNSUPPORTED a.md',
      'FILE_UNSUPPORTED link.md',
      'FILE_UNSUPPORTED pipe',
      'FILE_UNSUPPORTED twin.md',
      'NO_PERMISSION denied.md.',
      'UNFINISHED .moult-run',
      'UNFINISHED .b.md.0123456789ab.moult-tmp',
    ].sort(),
  )
  for (const { hint, store } of problems) assert.ok(hint !== '' && store === 'notes')
})

test('[R5] verify goes on looking at the files behind a marker that says nothing', async (t) => {
  const at = workbench(t)
  put(at.root, { 'notes/.schema-version': '{', 'notes/x': '' })
  fs.symlinkSync('x', join(at.root, 'notes/link.md'))
  assert.deepEqual(
    (await verify(at, notes)).map(({ code }) => code),
    ['MARKER_UNREADABLE', 'FILE_UNSUPPORTED'],
  )
})

test('[R5] of stores that share a directory each reports its own leftovers', async (t) => {
  const tasks = directory('tasks', { path: '.', files: 'tasks.json' })
  const wisp = directory('wisp', { path: '.', files: 'wisp.jsonl' })
  const at = workbench(t, wisp)
  put(at.root, { '.wisp.jsonl.0123456789ab.moult-tmp': '', 'tasks.json': '[]' })
  assert.deepEqual(await verify(at, tasks), [])
  assert.equal((await verify(workbench(t), wisp)).length, 0)
  const place = {
    ...at.place(tasks),
    spec: wisp['~store'],
    claim: { ...at.place(tasks).claim, files: ['wisp.jsonl'], others: [] },
  }
  assert.deepEqual(
    (await wisp['~store'].code.verify(place, noDriver)).map(({ code }) => code),
    ['UNFINISHED'],
  )
})
