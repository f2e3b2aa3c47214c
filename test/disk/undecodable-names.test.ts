import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { directory, record, records } from 'moult'
import { z } from 'zod'
import { listDirectory, walkClaim } from '#moult/disk/walk.js'
import { fails, namedBy, stateInRoot } from '../records/state.js'
import { claimOf, makeRoot, put } from './tree.js'

// Other systems' file systems refuse such names
const options = { skip: process.platform === 'linux' ? false : 'needs a file system whose names are bytes' }
const bytes = (folder: string, ...name: (number | string)[]): Buffer =>
  Buffer.concat([
    Buffer.from(`${folder}/`),
    ...name.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from([part]))),
  ])
const namesIn = (folder: string): string[] => fs.readdirSync(folder, { encoding: 'latin1' }).sort()
const File = z.object({})
const Item = record('item', { versionKey: 'v', unversioned: 1 })
  .version(1, File)
  .version(2, File, { up: (x) => x })

test(
  '[P21] names that are not UTF-8 are listed once each, with their bytes, beside those that look like them',
  options,
  (t) => {
    const root = makeRoot(t)
    put(root, { 'a\uFFFD': '', 'b\\xff': '', 'ü\u20AC😀': '' })
    fs.writeFileSync(bytes(root, 'a', 0xff), '')
    fs.writeFileSync(bytes(root, 'a', 0xfe), '')
    fs.writeFileSync(bytes(root, 'b', 0xff), '')
    fs.mkdirSync(bytes(root, 0xf0, 0x9f, 'ü', 0x98, 'd'))
    assert.deepEqual(
      listDirectory(root).map((entry) => [entry.name, entry.isUndecodable === true, entry.isFile()]),
      [
        ['\\xf0\\x9fü\\x98d', true, false],
        ['a\\xfe', true, false],
        ['a\\xff', true, false],
        ['a\uFFFD', false, true],
        ['b\\xff', false, true],
        ['b\\xff?', true, false],
        ['ü\u20AC😀', false, true],
      ],
    )
  },
)

test(
  '[P21] [G8] a walk names what it cannot look into, also where only the files below would be the store’s',
  options,
  async (t) => {
    const root = makeRoot(t)
    fs.mkdirSync(join(root, 'none'))
    for (const name of [[0xff], [0xff, '.json'], [0xff, '.txt']]) fs.mkdirSync(bytes(root, ...name))
    const paths = async (files: string[]): Promise<string[]> =>
      (await walkClaim(root, claimOf('', { files }))).map(({ path, kind }) => `${path} ${kind}`)
    const all = ['\\xff undecodable', '\\xff.json undecodable', '\\xff.txt undecodable']
    assert.deepEqual(await paths(['**/*.json']), all)
    assert.deepEqual(await paths(['*.json']), ['\\xff.json undecodable'])
    assert.deepEqual(await walkClaim(root, claimOf('', { files: ['**'], ignore: ['*'] })), [])
  },
)

test(
  '[C4] [P21] a record under a name that is not UTF-8 is left and named; the others are brought forward',
  options,
  async (t) => {
    const at = stateInRoot(t)
    const store = records('items', { path: 'items', files: '**/*.json', record: Item })
    put(at.root, { 'items/a.json': '{}' })
    const bad = bytes(join(at.root, 'items'), 0xff, 'a.json')
    fs.writeFileSync(bad, '{}')
    fs.mkdirSync(bytes(join(at.root, 'items'), 0xfe))
    fs.writeFileSync(bytes(join(at.root, 'items'), 0xfe, '/b.json'), '{}')
    const report = await at.upgrade(store)
    assert.deepEqual(
      report.stores[0]?.left.map(({ file }) => file),
      ['\\xfe', '\\xffa.json'],
    )
    assert.match(report.stores[0]?.left[0]?.reason ?? '', /name is not UTF-8/)
    assert.equal(at.text('items/a.json'), '{"v":2}')
    assert.equal(fs.readFileSync(bad, 'utf8'), '{}')
    assert.equal((await at.upgrade(store)).outcome, 'up-to-date', 'it is not tried at each start')
    assert.deepEqual(namedBy(await at.verify(store)), ['items/\\xfe', 'items/\\xffa.json'])
    fs.renameSync(bad, join(at.root, 'items/b.json'))
    assert.deepEqual(
      (await at.upgrade(store)).stores[0]?.left.map(({ file }) => file),
      ['\\xfe'],
    )
    assert.equal(at.text('items/b.json'), '{"v":2}')
  },
)

test('[P21] two stores in one directory do not quarrel about what nobody can look into', options, async (t) => {
  const at = stateInRoot(t)
  fs.mkdirSync(join(at.root, 'all'))
  fs.mkdirSync(bytes(join(at.root, 'all'), 0xff))
  const items = records('items', { path: 'all', files: '**/*.json', record: Item, marker: '.items' })
  const others = records('others', { path: 'all', files: '**/*.txt', record: Item, marker: '.others' })
  assert.equal((await at.of(items, others).upgrade()).outcome, 'upgraded')
})

test('[P21] a step meets FILE_UNSUPPORTED only where it would touch a name that is not UTF-8', options, async (t) => {
  const steps = {
    elsewhere: [false, async (files) => files.write('b', await files.text('a'))],
    'everything that glob gives': [
      false,
      async (files) => {
        for await (const file of files.glob('**')) await files.move(file, `moved/${file}`)
      },
    ],
    'the directory around a file': [true, async (files) => files.move('file', 'moved')],
    'the directory around a directory': [true, async (files) => files.delete('folder')],
    'the file itself': [true, async (files) => files.read('file/\\xff')],
    'in the directory itself': [true, async (files) => files.write('folder/\\xff/new', '')],
    'in its place': [true, async (files) => files.write('file/\\xff', '')],
    'what it is derived from': [true, async (files) => files.write('derived/x', '')],
  } satisfies Record<string, [boolean, (files: import('moult').FilesWriter) => Promise<unknown>]>
  for (const [title, [isRefused, up]] of Object.entries(steps)) {
    const at = stateInRoot(t)
    put(at.root, { 'files/a': 'a', 'files/file/a': '', 'files/folder/a': '', 'files/derived/.d/a': '' })
    const folder = join(at.root, 'files')
    fs.writeFileSync(bytes(`${folder}/file`, 0xff), 'bytes')
    fs.mkdirSync(bytes(`${folder}/folder`, 0xff))
    fs.writeFileSync(bytes(`${folder}/folder`, 0xff, '/x'), 'below')
    fs.writeFileSync(bytes(`${folder}/derived/.d`, 0xff), 'derived')
    const store = directory('files', { path: 'files', derived: ['**/.d/**'] })
      .adopt('oldest')
      .step('go', { up: async ({ files }) => void (await up(files)) })
    const run = at.upgrade(store)
    if (isRefused) {
      await assert.rejects(run, fails('FILE_UNSUPPORTED', /name is not UTF-8/), title)
      assert.deepEqual(namesIn(folder), ['a', 'derived', 'file', 'folder'], title)
    } else {
      assert.equal((await run).outcome, 'upgraded', title)
    }
    assert.equal(fs.readFileSync(bytes(`${folder}/file`, 0xff), 'utf8'), 'bytes', title)
    assert.equal(fs.readFileSync(bytes(`${folder}/folder`, 0xff, '/x'), 'utf8'), 'below', title)
  }
})
