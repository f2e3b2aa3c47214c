import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { replaceDisk } from '#moult/disk/disk.js'
import { directory } from '#moult/stores/directory/directory.js'
import { look, put } from '../disk/tree.js'
import { workbench } from './workbench.js'

const notes = directory('notes', { path: 'notes', ignore: ['*.log'], derived: ['.embeddings/**'] })

test('[R5] no directory, an empty one, and one with ignored, derived and lost+found only are fresh', async (t) => {
  const { root, examine } = workbench(t)
  assert.deepEqual(await examine(notes), { is: 'nothing', exists: false })
  fs.mkdirSync(join(root, 'notes'))
  assert.deepEqual(await examine(notes), { is: 'nothing', exists: true })
  put(root, { 'notes/lost+found/x': '', 'notes/.embeddings/a/b.bin': '', 'notes/app.log': '', 'notes/.DS_Store': '' })
  fs.mkdirSync(join(root, 'notes/empty/deeper'), { recursive: true })
  assert.deepEqual(await examine(notes), { is: 'nothing', exists: true })
})

test('[R5] any file of the store without a marker is data, a hidden or a deep one too', async (t) => {
  for (const path of ['notes/a.md', 'notes/x/y/.hidden']) {
    const { root, examine } = workbench(t)
    put(root, { [path]: '' })
    assert.deepEqual(await examine(notes), { is: 'data' }, path)
  }
  const { root, examine } = workbench(t)
  fs.mkdirSync(join(root, 'notes'))
  fs.symlinkSync('/nowhere', join(root, 'notes/link'))
  assert.deepEqual(await examine(notes), { is: 'data' })
})

test('[R5] a file that another store owns is not this store’s data', async (t) => {
  const tasks = directory('tasks', { path: '.', files: 'tasks.json' })
  const other = directory('other', { path: 'notes/inner' })
  const { root, examine } = workbench(t, tasks, other)
  put(root, { 'tasks.json': '[]', 'notes/inner/a.md': '' })
  assert.deepEqual(await examine(notes), { is: 'nothing', exists: true })
  assert.equal((await examine(directory('all', { path: '.', files: '*.md' }))).is, 'nothing')
})

test('[R5][G8] a hostile marker is unreadable with a reason and a way out, never absent and never followed', async (t) => {
  const whole = (store: string): string =>
    JSON.stringify({ moult: 1, store, version: 0, floor: 0, steps: [], touches: [], left: [] })
  const texts: Record<string, [string | Buffer, RegExp]> = {
    empty: ['', /empty/],
    blank: [' \n', /empty/],
    torn: [whole('notes').slice(0, -9), /JSON/],
    zeros: [Buffer.alloc(4096), /JSON/],
    latin1: [Buffer.from([0x7b, 0xe9, 0x7d]), /UTF-8/],
    foreign: ['{"version":3}', /not written by moult/],
    number: ['3', /not written by moult/],
    list: ['[]', /not written by moult/],
    later: [whole('notes').replace('"moult":1', '"moult":2'), /format/],
    stranger: [whole('tasks'), /belongs to a store named "tasks"/],
    marked: ['\uFEFF' + whole('notes'), /JSON/],
    halved: [whole('notes').replace('"left":[]', '"left":null'), /wrong shape/],
  }
  for (const [name, [text, reason]] of Object.entries(texts)) {
    const { root, examine } = workbench(t)
    put(root, { 'notes/a.md': 'x' })
    fs.writeFileSync(join(root, 'notes/.schema-version'), text)
    const found = await examine(notes)
    assert.equal(found.is, 'unreadable', name)
    if (found.is !== 'unreadable') continue
    assert.equal(found.code, 'MARKER_UNREADABLE', name)
    assert.match(found.reason, reason, name)
    assert.match(found.hint, /notes\/\.schema-version/, name)
  }
})

test('[R5][G8] a marker that is a symlink, a directory, a pipe or endless is unreadable, and nobody waits for it', async (t) => {
  const make: Record<string, (path: string) => void> = {
    symlink: (path) => fs.symlinkSync('a.md', path),
    dangling: (path) => fs.symlinkSync('/nowhere', path),
    directory: (path) => fs.mkdirSync(path),
    pipe: (path) => execFileSync('mkfifo', [path]),
    huge: (path) => {
      fs.writeFileSync(path, '')
      fs.truncateSync(path, 1e12)
    },
  }
  for (const [name, makeIt] of Object.entries(make)) {
    const { root, examine } = workbench(t)
    put(root, { 'notes/a.md': 'x' })
    makeIt(join(root, 'notes/.schema-version'))
    const found = await examine(notes)
    assert.equal(found.is === 'unreadable' && found.code, 'MARKER_UNREADABLE', name)
  }
})

test('[R5] something else than a directory on the store’s path is STORE_UNREADABLE', async (t) => {
  const deep = directory('deep', { path: 'a/b' })
  for (const at of ['a', 'a/b']) {
    for (const kind of ['file', 'symlink']) {
      const { root, examine } = workbench(t)
      put(root, { 'real/b/.schema-version': '{}', 'real/b/x': '' })
      fs.mkdirSync(join(root, at, '..'), { recursive: true })
      if (kind === 'file') fs.writeFileSync(join(root, at), '')
      else fs.symlinkSync(join(root, at === 'a' ? 'real' : 'real/b'), join(root, at))
      const found = await examine(deep)
      assert.equal(found.is === 'unreadable' && found.code, 'STORE_UNREADABLE', `${at} ${kind}`)
    }
  }
})

test('[R5] what this user may not read is NO_PERMISSION', async (t) => {
  for (const denied of ['open', 'readdir', 'lstat'] as const) {
    const { root, examine } = workbench(t)
    put(root, { 'notes/a.md': 'x' })
    const restore = replaceDisk((real) => ({
      ...real,
      [denied]: (path: string) => {
        if (path.startsWith(join(root, 'notes'))) throw Object.assign(new Error('denied'), { code: 'EACCES' })
        return (real[denied] as (path: string) => unknown)(path)
      },
    }))
    const found = await examine(notes).finally(restore)
    assert.equal(found.is === 'unreadable' && found.code, 'NO_PERMISSION', denied)
  }
})

test('[G9] an examination of a marked store reads its marker, changes no byte and looks at nothing else', async (t) => {
  const { root, examine, upgrade } = workbench(t)
  put(root, { 'notes/a.md': 'x' })
  const stepped = notes.step('one', { up() {} })
  await upgrade(stepped)
  const before = look(root)
  const operations: string[] = []
  const restore = replaceDisk(
    (real) =>
      new Proxy(real, {
        get:
          (target, key: keyof typeof real) =>
          (...args: unknown[]) => {
            operations.push(key)
            return (target[key] as (...args: unknown[]) => unknown)(...args)
          },
      }),
  )
  const found = await examine(stepped).finally(restore)
  assert.equal(found.is, 'marked')
  assert.deepEqual(operations, ['lstat', 'open', 'fstat', 'read', 'read', 'close'])
  assert.deepEqual(look(root), before)
})

test('[G9] defining stores and examining marked ones loads no globs, no walker, no overlay and no JSON text', () => {
  const built = join(import.meta.dirname, '../../../build/src')
  const loaded = new Set<string>()
  const visit = (file: string): void => {
    if (loaded.has(file)) return
    loaded.add(file)
    for (const [, target] of fs.readFileSync(file, 'utf8').matchAll(/^(?:import|export)[^']*? from '([^']+)'/gm)) {
      if (target!.startsWith('.')) visit(join(file, '..', target!))
      else loaded.add(target!)
    }
  }
  visit(join(built, 'stores/directory/directory.js'))
  assert.ok(!loaded.has('node:fs'))
  visit(join(built, 'stores/files/examine-files.js'))
  assert.ok(loaded.has(join(built, 'disk/disk.js')))
  const heavy = [...loaded].filter((each) => /picomatch|\/json\/|disk\/(walk|glob|overlay)/.test(each))
  assert.deepEqual(heavy, [])
})
