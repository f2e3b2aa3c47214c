import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import { defineState, directory, isMoultError, sqlite } from 'moult'
import type { State } from 'moult'
import { footprint, temporaryFolder } from '../support/footprint.js'
import { openDatabase } from '../support/sqlite.js'

function makeDatabase(root: string): void {
  const database = openDatabase(join(root, 'index.db'))
  database.exec('CREATE TABLE entry(text); INSERT INTO entry VALUES (zeroblob(100000))')
  database.close()
}

const notes = directory('notes', { path: 'notes' }).adopt('oldest')

/** One database alone, or one whose COMMIT decides for files. */
const shapes: Readonly<Record<string, (rows: number) => State>> = {
  'a database': (rows) =>
    defineState({
      app: 'agent',
      stores: [
        sqlite('index', { path: 'index.db' })
          .step('fill', { up: ({ db }) => fill(db, rows) })
          .adopt('oldest'),
      ],
    }),
  'a database and files': (rows) =>
    defineState({
      app: 'agent',
      stores: [
        notes,
        sqlite('index', { path: 'index.db' })
          .step('fill', {
            writes: { notes: notes.at(0) },
            up: async ({ db, stores }) => {
              fill(db, rows)
              await stores.notes.move('a.md', 'b.md')
            },
          })
          .adopt('oldest'),
      ],
    }),
}

function fill(db: { run(sql: string): unknown }, rows: number): void {
  for (let n = 0; n < rows; n++) db.run('INSERT INTO entry VALUES (zeroblob(100000))')
}

function makeOld(root: string): void {
  mkdirSync(join(root, 'notes'))
  writeFileSync(join(root, 'notes/a.md'), 'a')
  makeDatabase(root)
}

describe('[G3] a COMMIT that the database refuses', () => {
  for (const [what, make] of Object.entries(shapes)) {
    it(`a reader in a transaction is in the way: IN_USE, ${what} put back, and the next start succeeds`, async (t) => {
      const root = temporaryFolder(t)
      makeOld(root)
      const reader = openDatabase(join(root, 'index.db'))
      reader.exec('BEGIN; SELECT count(*) FROM entry')
      const before = footprint(root)
      const error = await make(1)
        .in(root)
        .upgrade({ waitMs: 300 })
        .catch((thrown: unknown) => thrown)
      assert.ok(isMoultError(error, 'IN_USE'), String(error))
      assert.equal(error.report?.outcome, 'put-back')
      assert.deepEqual(footprint(root), before)
      assert.equal(existsSync(join(root, '.moult/run')), false)
      reader.close()
      assert.equal((await make(1).in(root).upgrade()).outcome, 'upgraded')
    })

    for (const [when, rows] of [
      ['at the end', 60],
      ['while the step writes more than the cache holds', 600],
    ] as const)
      it(`the disk is full ${when}: NO_SPACE, ${what} put back, and the next start succeeds`, async (t) => {
        const root = mountSmall(t)
        if (root === null) return t.skip('needs root to mount a small file system')
        makeOld(root)
        const before = footprint(root)
        const error = await make(rows)
          .in(root)
          .upgrade()
          .catch((thrown: unknown) => thrown)
        assert.ok(isMoultError(error, 'NO_SPACE'), String(error))
        assert.equal(error.report?.outcome, 'put-back', error.message)
        const after = footprint(root)
        const untouched = Object.keys(before).filter((path) => path !== 'index.db')
        for (const path of untouched) assert.equal(after[path], before[path], path)
        assert.deepEqual(Object.keys(after), Object.keys(before))
        assert.equal(existsSync(join(root, '.moult/run')), false)
        assert.equal((await make(1).in(root).upgrade()).outcome, 'upgraded')
      })
  }
})

function mountSmall(t: TestContext): string | null {
  const root = mkdtempSync(join(tmpdir(), 'moult-test-'))
  let isMounted = false
  t.after(() => {
    if (isMounted) execFileSync('umount', ['-l', root])
    rmSync(root, { recursive: true })
  })
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'none', root], { stdio: 'ignore' })
    isMounted = true
    return root
  } catch {
    return null
  }
}
