import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, lchownSync, lstatSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it, test } from 'node:test'
import { footprint, temporaryFolder } from '../support/footprint.js'
import { openDatabase } from '../support/sqlite.js'

const nobody = 65_534
const isRoot = process.getuid?.() === 0

function giveAway(path: string): void {
  lchownSync(path, nobody, nobody)
  if (lstatSync(path).isDirectory()) for (const name of readdirSync(path)) giveAway(join(path, name))
}

function prepare(root: string): string {
  mkdirSync(join(root, 'notes/sub'), { recursive: true })
  writeFileSync(join(root, 'notes/a.md'), 'old')
  writeFileSync(join(root, 'notes/sub/b.md'), 'old')
  const database = openDatabase(join(root, 'x.db'))
  database.exec('CREATE TABLE t(a)')
  database.close()
  return root
}

/** An upgrade that writes `file` of the folder `notes`, and a row where a database decides. */
function upgradeAs(user: number, root: string, file: string, hasDecider: boolean): { code: string; outcome: string } {
  const script = `
    import { defineState, directory, sqlite } from '${import.meta.resolve('moult')}'
    if (${user} !== 0) { process.setgid(${user}); process.setuid(${user}) }
    const notes = directory('notes', { path: 'notes' }).adopt('oldest')
    const write = async (files) => void (await files.write('${file}', 'new'))
    const stores = ${hasDecider}
      ? [notes, sqlite('db', { path: 'x.db' }).adopt('oldest').step('both', {
          writes: { notes: notes.at(0) },
          up: async ({ db, stores }) => { db.run('INSERT INTO t VALUES (1)'); await write(stores.notes) } })]
      : [notes.step('alone', { up: ({ files }) => write(files) })]
    const report = await defineState({ app: 'p', root: '${root}', stores }).upgrade().catch((error) => error)
    process.stdout.write(JSON.stringify({ code: report.code ?? '', outcome: report.outcome ?? report.report?.outcome }))`
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  assert.notEqual(stdout, '', stderr)
  return JSON.parse(stdout) as { code: string; outcome: string }
}

describe(
  '[G3] what this user may not write is found out before the decision',
  { skip: !isRoot && 'needs root' },
  () => {
    const cases: Readonly<
      Record<string, { file: string; user: number; forbid: (root: string) => void; allow: (root: string) => void }>
    > = {
      'a folder that only gets files': {
        file: 'new.md',
        user: nobody,
        forbid: (root) => (lchownSync(join(root, 'notes'), 0, 0), chmodSync(join(root, 'notes'), 0o755)),
        allow: (root) => lchownSync(join(root, 'notes'), nobody, nobody),
      },
      'a folder further in': {
        file: 'sub/new.md',
        user: nobody,
        forbid: (root) => lchownSync(join(root, 'notes/sub'), 0, 0),
        allow: (root) => lchownSync(join(root, 'notes/sub'), nobody, nobody),
      },
      "another user's file in a sticky folder": {
        file: 'a.md',
        user: nobody,
        forbid: (root) => {
          lchownSync(join(root, 'notes'), 0, 0)
          chmodSync(join(root, 'notes'), 0o1777)
          lchownSync(join(root, 'notes/a.md'), 0, 0)
        },
        allow: (root) => lchownSync(join(root, 'notes/a.md'), nobody, nobody),
      },
      'an immutable folder': {
        file: 'new.md',
        user: 0,
        forbid: (root) => void spawnSync('chattr', ['+i', join(root, 'notes')]),
        allow: (root) => void spawnSync('chattr', ['-i', join(root, 'notes')]),
      },
      'an immutable file': {
        file: 'a.md',
        user: 0,
        forbid: (root) => void spawnSync('chattr', ['+i', join(root, 'notes/a.md')]),
        allow: (root) => void spawnSync('chattr', ['-i', join(root, 'notes/a.md')]),
      },
    }
    for (const [what, { file, user, forbid, allow }] of Object.entries(cases))
      for (const hasDecider of what === 'a folder that only gets files' ? [false, true] : [true])
        it(`[G3] ${what}: NO_PERMISSION, everything as before${hasDecider ? ', the database too' : ''}`, (t) => {
          const root = temporaryFolder(t)
          mkdirSync(join(root, 'notes/sub'), { recursive: true })
          writeFileSync(join(root, 'notes/a.md'), 'old')
          writeFileSync(join(root, 'notes/sub/b.md'), 'old')
          const database = openDatabase(join(root, 'x.db'))
          database.exec('CREATE TABLE t(a)')
          database.close()
          if (user !== 0) giveAway(root)
          t.after(() => existsSync(join(root, 'notes')) && allow(root))
          forbid(root)
          const before = footprint(root)
          assert.deepEqual(upgradeAs(user, root, file, hasDecider), { code: 'NO_PERMISSION', outcome: 'put-back' })
          assert.deepEqual(footprint(root), before)
          assert.equal(existsSync(join(root, '.moult/run')), false)
          allow(root)
          assert.equal(upgradeAs(user, root, file, hasDecider).outcome, 'upgraded')
        })
  },
)

test(
  '[G8] a .moult that this user may not search: NO_PERMISSION, whatever is asked',
  { skip: !isRoot && 'needs root' },
  (t) => {
    const root = temporaryFolder(t)
    chmodSync(root, 0o755)
    assert.equal(upgradeAs(0, prepare(root), 'new.md', false).outcome, 'upgraded')
    for (const [path, mode] of [
      ['.moult', 0o700],
      ['.moult/history.jsonl', 0o600],
    ] as const) {
      chmodSync(join(root, '.moult'), 0o755)
      chmodSync(join(root, path), mode)
      const calls = path === '.moult' ? ['status', 'plan', 'upgrade', 'open', 'verify', 'history'] : ['history']
      const script = `
      import { defineState, directory, isMoultError } from '${import.meta.resolve('moult')}'
      process.setgid(${nobody})
      process.setuid(${nobody})
      const notes = directory('notes', { path: 'notes' }).adopt('oldest').step('alone', { up() {} })
      const state = defineState({ app: 'p', root: '${root}', stores: [notes] })
      const codes = []
      for (const call of ${JSON.stringify(calls)})
        codes.push(await state[call]().then(() => 'none', (error) => (isMoultError(error) ? error.code : String(error))))
      process.stdout.write(JSON.stringify(codes))`
      const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
        encoding: 'utf8',
      })
      assert.equal(stdout, JSON.stringify(calls.map(() => 'NO_PERMISSION')), stderr)
    }
  },
)
