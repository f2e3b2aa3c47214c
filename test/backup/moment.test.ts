import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { openDatabase } from '../support/sqlite.js'
import { oldState } from './small-state.js'

/**
 * Commits rows into both databases, and a file that the row names, all inside one write transaction of the first: who
 * holds that one still sees both or neither. Prints what was acknowledged.
 */
const writer = `
  import * as fs from 'node:fs'
  import { join } from 'node:path'
  const { openDatabase } = await import(${JSON.stringify(new URL('../support/sqlite.js', import.meta.url).href)})
  const root = process.argv[1]
  const log = openDatabase(join(root, 'log.db'))
  const index = openDatabase(join(root, 'data/index.db'))
  for (const db of [log, index]) db.exec('PRAGMA busy_timeout = 20000; PRAGMA journal_mode = ' + process.argv[2] + '; PRAGMA synchronous = OFF')
  let id = 100000
  setInterval(() => {
    log.exec('BEGIN IMMEDIATE')
    index.exec('BEGIN IMMEDIATE')
    const file = 'vault/w' + id + '.blob'
    fs.writeFileSync(join(root, file), 'row ' + id)
    for (const db of [log, index]) db.run('INSERT INTO item VALUES (?, ?, ?)', id, 'row', file)
    index.exec('COMMIT')
    log.exec('COMMIT')
    console.log(id++)
  }, 5)
`

for (const mode of ['WAL', 'DELETE'])
  test(`[P10] [A12] beside a program that commits 200 rows a second into two databases and a folder (${mode}) a backup is one moment`, async (t) => {
    const { root, state } = oldState(t, 20_000)
    const child = spawn(process.execPath, ['--input-type=module', '-e', writer, root, mode], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    t.after(() => child.kill('SIGKILL'))
    let acknowledged = 0
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      acknowledged = Number(text.trim().split('\n').at(-1))
    })
    await new Promise((resolve) => child.stdout.once('data', resolve))
    for (let round = 0; round < 5; round++) {
      await new Promise((resolve) => setTimeout(resolve, 150))
      const before = acknowledged
      const made = await state.backups.create()
      assert.ok(acknowledged > before || mode === 'DELETE', 'the writer goes on meanwhile')
      assert.equal(made.whole, true)
      const stores = join(root, '.moult/backups', made.id, 'stores')
      const rows = ['log/log.db', 'index/data/index.db'].map((path) => {
        const copy = join(root, '..', `${made.id}.db`)
        fs.copyFileSync(join(stores, path), copy)
        const db = openDatabase(copy)
        const found = db.all('SELECT id, file FROM item WHERE id >= 100000 AND file IS NOT NULL ORDER BY id')
        assert.deepEqual(db.all('PRAGMA integrity_check'), [{ integrity_check: 'ok' }])
        db.close()
        fs.rmSync(copy)
        return found
      })
      assert.deepEqual(rows[0], rows[1], 'both databases are of one moment')
      const files = fs
        .readdirSync(join(stores, 'vault/vault'))
        .filter((name) => /^w\d+/.test(name))
        .map((name) => `vault/${name}`)
      assert.deepEqual(rows[0]!.map(({ file }) => file).sort(), files.sort(), 'rows and the files that they name')
      assert.ok(Number(rows[0]!.at(-1)?.['id']) >= before, 'every commit acknowledged before the start is in it')
      assert.deepEqual(made.moment, 'exact')
    }
    child.kill('SIGKILL')
    await new Promise((resolve) => child.on('exit', resolve))
    assert.deepEqual(await state.backups.verify(), [])
  })
