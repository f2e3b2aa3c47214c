import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { defineState, directory, isMoultError, sqlite } from 'moult'
import type { State } from 'moult'
import { footprint, temporaryFolder } from '../support/footprint.js'
import { openDatabase } from '../support/sqlite.js'

const index = sqlite('index', { path: 'index.db' }).step('create', { up: 'CREATE TABLE entry(id)' })
const notes = directory('notes', { path: 'notes' }).step('first', { up: async ({ files }) => files.write('a.md', 'a') })
const state = defineState({ app: 'agent', stores: [index, notes] })

async function fails(call: Promise<unknown>, code: string, message: RegExp): Promise<void> {
  const error = await call.then(
    () => assert.fail(`expected ${code}`),
    (thrown: unknown) => thrown,
  )
  assert.ok(isMoultError(error), `a MoultError: ${String(error)}`)
  assert.equal(error.code, code, error.message)
  assert.match(error.message, message)
}

/** A database of somebody else, beside the root. */
function victim(t: TestContext): { readonly folder: string; readonly bytes: () => Buffer } {
  const folder = temporaryFolder(t)
  const database = openDatabase(join(folder, 'victim.db'))
  database.exec('CREATE TABLE precious(id)')
  database.close()
  return { folder, bytes: () => readFileSync(join(folder, 'victim.db')) }
}

function leaveRun(root: string, databases: readonly string[], staging: readonly string[] = []): void {
  mkdirSync(join(root, '.moult/run'), { recursive: true })
  const header = { moult: 1, run: 'x', app: 'agent', appVersion: null, startedAt: '', databases, staging }
  writeFileSync(join(root, '.moult/run/run.json'), JSON.stringify(header))
}

describe('[G1] what stands in .moult is read as hostile', () => {
  it('[P4] a run header that names a database outside of the root: nothing there is opened or written', async (t) => {
    const { folder, bytes } = victim(t)
    const before = bytes()
    for (const path of [`../${basename(folder)}/victim.db`, join(folder, 'victim.db'), '.moult/lock/gate.db']) {
      const root = temporaryFolder(t)
      leaveRun(root, [path])
      await fails(state.in(root).upgrade(), 'DAMAGED', /header cannot be read/)
    }
    const root = temporaryFolder(t)
    symlinkSync(join(folder, 'victim.db'), join(root, 'link.db'))
    leaveRun(root, ['link.db'])
    await fails(state.in(root).upgrade(), 'DAMAGED', /outside of the root/)
    assert.deepEqual(bytes(), before)
    assert.deepEqual(readdirSync(folder), ['victim.db'])
  })

  it('a run header that names a staging folder outside of the root is refused before anything is done', async (t) => {
    const root = temporaryFolder(t)
    leaveRun(root, [], ['../x/.moult-run'])
    await fails(state.in(root).upgrade(), 'DAMAGED', /header cannot be read/)
  })

  it('[G8] something else in the place of .moult or its lock is named, with an error of moult', async (t) => {
    const inTheWay: readonly [string, (root: string) => void][] = [
      ['a file as .moult', (root) => writeFileSync(join(root, '.moult'), '')],
      ['a symlink that leads nowhere as .moult', (root) => symlinkSync('/nonexistent/x', join(root, '.moult'))],
      ['a symlink to itself as .moult', (root) => symlinkSync('.moult', join(root, '.moult'))],
      [
        'a file as .moult/lock',
        (root) => {
          mkdirSync(join(root, '.moult'))
          writeFileSync(join(root, '.moult/lock'), '')
        },
      ],
    ]
    for (const [what, put] of inTheWay) {
      const root = temporaryFolder(t)
      put(root)
      for (const call of [() => state.in(root).upgrade(), () => state.in(root).open()]) {
        const error = await call().catch((thrown: unknown) => thrown)
        assert.ok(isMoultError(error), `${what}: ${String(error)}`)
        assert.match(error.message, /ENOTDIR|ELOOP|is a symlink/, what)
      }
    }
  })
})

describe('[G2] a root or store that leads nowhere is refused in words', () => {
  const unreadable: readonly [string, (root: string) => State][] = [
    [
      'a symlink to itself in the place of a database',
      (root) => {
        symlinkSync('index.db', join(root, 'index.db'))
        return state.in(root)
      },
    ],
    [
      'a root that is a file',
      (root) => {
        writeFileSync(join(root, 'file'), '')
        return state.in(join(root, 'file'))
      },
    ],
    [
      'a root below a file',
      (root) => {
        writeFileSync(join(root, 'file'), '')
        return state.in(join(root, 'file/deep/er'))
      },
    ],
    ['a root with a name too long', (root) => state.in(join(root, 'x'.repeat(300)))],
  ]
  for (const [what, make] of unreadable) {
    it(what, async (t) => {
      const root = temporaryFolder(t)
      const made = make(root)
      const before = footprint(root)
      for (const call of [
        () => made.status(),
        () => made.plan(),
        () => made.upgrade(),
        () => made.open(),
        () => made.verify(),
      ])
        await fails(call(), 'STORE_UNREADABLE', /Nothing was changed/)
      assert.deepEqual(footprint(root), before)
    })
  }

  it('[P13] two databases that a symlink makes one are refused at once', async (t) => {
    const root = temporaryFolder(t)
    openDatabase(join(root, 'index.db')).close()
    symlinkSync('index.db', join(root, 'alias.db'))
    const alias = sqlite('alias', { path: 'alias.db' }).step('create', { up: 'CREATE TABLE other(id)' })
    await fails(state.add(alias).in(root).upgrade(), 'CLAIMED_TWICE', /same file/)
  })

  for (const [what, ignore, isRefused] of [
    ['is its file too', [], true],
    ['has its log there', ['real.db'], true],
    ['is left out of it', ['real.db*'], false],
  ] as const)
    it(`[P13] a database that a symlink leads into a directory store and that ${what}: ${isRefused ? 'refused' : 'upgraded'}`, async (t) => {
      const root = temporaryFolder(t)
      mkdirSync(join(root, 'notes'))
      openDatabase(join(root, 'notes/real.db')).close()
      symlinkSync('notes/real.db', join(root, 'x.db'))
      const made = defineState({
        app: 'agent',
        root,
        stores: [
          directory('notes', { path: 'notes', ignore })
            .adopt('oldest')
            .step('one', { up() {} }),
          sqlite('x', { path: 'x.db' }).step('create', { up: 'CREATE TABLE t(a)' }),
        ],
      })
      if (!isRefused) return assert.equal((await made.upgrade()).outcome, 'upgraded')
      const before = footprint(root)
      await fails(made.upgrade(), 'CLAIMED_TWICE', /both claim notes\/real\.db/)
      assert.deepEqual(footprint(root), before)
      assert.equal(existsSync(join(root, '.moult')), false)
    })

  it('[G8] a table moult_commit that is somebody else’s is named, before a step runs', async (t) => {
    const root = temporaryFolder(t)
    const database = openDatabase(join(root, 'index.db'))
    database.exec('CREATE TABLE moult_commit(hash TEXT)')
    database.close()
    const before = footprint(root)
    await fails(
      defineState({ app: 'agent', stores: [index.adopt('oldest')] })
        .in(root)
        .upgrade(),
      'MARKER_UNREADABLE',
      /moult_commit/,
    )
    assert.deepEqual(footprint(root), before)
  })

  it('[G8] a marker whose version and steps contradict each other is unreadable: no step runs twice', async (t) => {
    const root = temporaryFolder(t)
    await state.in(root).upgrade()
    const path = join(root, 'notes/.schema-version')
    const marker = JSON.parse(readFileSync(path, 'utf8')) as object
    for (const edit of [{ steps: [] }, { version: 7 }, { version: null }]) {
      writeFileSync(path, JSON.stringify({ ...marker, ...edit }))
      await fails(state.in(root).upgrade(), 'MARKER_UNREADABLE', /contradict/)
    }
  })
})

describe('[G1] definitions that no journal could speak of', () => {
  const make: readonly [string, () => State][] = [
    [
      'a directory with a name of moult’s',
      () => defineState({ app: 'a', stores: [directory('x', { path: 'a/.moult/b' })] }),
    ],
    ['a staging folder’s name', () => defineState({ app: 'a', stores: [directory('x', { path: '.x.moult-run' })] })],
    [
      'a database in a .moult of its own',
      () => defineState({ app: 'a', stores: [sqlite('x', { path: 'a/.moult/x.db' })] }),
    ],
    ['half of a surrogate pair', () => defineState({ app: 'a', stores: [directory('x', { path: '\ud800' })] })],
    [
      'one path as a file and as a directory',
      () => defineState({ app: 'a', stores: [sqlite('x', { path: 'data' }), directory('y', { path: 'data' })] }),
    ],
    [
      'a directory below a file',
      () => defineState({ app: 'a', stores: [sqlite('x', { path: 'data' }), sqlite('y', { path: 'data/y.db' })] }),
    ],
  ]
  for (const [what, define] of make) it(`${what} is a TypeError`, () => assert.throws(define, TypeError))

  it('[G8] a step cannot write a name that the file system would get as another one', async (t) => {
    const root = temporaryFolder(t)
    const files = directory('files', { path: 'files' }).step('write', {
      up: async ({ files: writer }) => {
        await writer.write('\ud800.md', 'one')
        await writer.write('\ud801.md', 'two')
      },
    })
    const before = footprint(root)
    await fails(
      defineState({ app: 'a', stores: [files] })
        .in(root)
        .upgrade(),
      'STEP_FAILED',
      /files\/write/,
    )
    assert.deepEqual(footprint(root), before)
  })
})
