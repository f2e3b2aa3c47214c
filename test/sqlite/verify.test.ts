import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { defineState, isMoultError, sqlite } from 'moult'
import { betterSqlite3Path } from './peek-fixture.js'
import { temporaryFolder } from '../support/footprint.js'
import { openDatabase } from '../support/sqlite.js'

const store = sqlite('db', { path: 'x.db' }).adopt('oldest')

test('[G8] a database that uses what only the app has is backed up and upgraded, and verify says why it could not check all of it', async (t) => {
  const root = temporaryFolder(t)
  // The app is another process: its library and moult's do not meet in one
  const app = `
    const database = new (require(process.argv[1]))(process.argv[2])
    database.function('fold', { deterministic: true }, (text) => text.toLowerCase())
    database.exec("CREATE TABLE t(a); INSERT INTO t VALUES ('X'); CREATE INDEX folded ON t(fold(a))")`
  execFileSync(process.execPath, ['-e', app, betterSqlite3Path, join(root, 'x.db')])
  const state = defineState({ app: 'a', root, stores: [store.step('other', { up: 'CREATE TABLE other(b)' })] })
  assert.equal((await state.upgrade()).outcome, 'upgraded')
  const { problems } = await state.verify()
  assert.equal(problems.length, 1)
  assert.match(problems[0]?.message ?? '', /not all of it could be checked, .* only the app has \(.*fold/)
  assert.match(problems[0]?.hint ?? '', /Nothing is known to be wrong/)
})

test('[P26] a foreign key that points at no key is told as that, by verify and by a step that makes one', async (t) => {
  const root = temporaryFolder(t)
  const database = openDatabase(join(root, 'x.db'))
  database.exec('PRAGMA foreign_keys = OFF; CREATE TABLE p(id INTEGER PRIMARY KEY, b)')
  database.close()
  const bad = 'CREATE TABLE d(x REFERENCES p(b)); INSERT INTO p VALUES (1, 1)'
  const state = defineState({ app: 'a', root, stores: [store.step('bad', { up: `${bad}; INSERT INTO d VALUES (1)` })] })
  const error = await state.upgrade().catch((thrown: unknown) => thrown)
  assert.ok(isMoultError(error, 'FOREIGN_KEYS_BROKEN'), String(error))
  assert.match(error.message, /left a foreign key of d that points at columns that are no key of their table\./)
  assert.match(error.hint, /unique index/)

  const again = openDatabase(join(root, 'x.db'))
  again.exec(`PRAGMA foreign_keys = OFF; ${bad}`)
  again.close()
  const marked = defineState({ app: 'a', root, stores: [store.step('fine', { up: 'CREATE TABLE fine(x)' })] })
  await marked.upgrade()
  const [problem] = (await marked.verify()).problems
  assert.equal(problem?.code, 'FOREIGN_KEYS_BROKEN')
  assert.match(problem.message, /a foreign key of d points at columns that are no key of their table/)
})
