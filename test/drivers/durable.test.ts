import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { Connection } from '#moult/drivers/driver.js'
import { makeDurable, settle } from '#moult/drivers/durable.js'
import { availableDrivers } from './available-drivers.js'
import { scratch } from './scratch.js'

const hasStrace = process.platform === 'linux' && spawnSync('strace', ['-V']).status === 0
const modes = ['delete', 'truncate', 'persist', 'wal'] as const

function pragma(connection: Connection, name: string): unknown {
  return Object.values(connection.prepare(`PRAGMA ${name}`).get([])!)[0]
}

for (const { name, driver, skip } of availableDrivers())
  describe(name, { skip }, () => {
    for (const mode of [...modes, 'off', 'memory'])
      test(`[P5] a connection that commits is durable in journal mode ${mode}, and keeps the mode if that is safe`, (t) => {
        const connection = driver!.open(join(scratch(t), 'a.db'), { readOnly: false })
        t.after(() => connection.close())
        for (const setting of [`journal_mode = ${mode}`, 'synchronous = OFF', 'locking_mode = EXCLUSIVE'])
          connection.prepare(`PRAGMA ${setting}`).all([])
        makeDurable(connection)
        const settings = ['synchronous', 'fullfsync', 'checkpoint_fullfsync', 'locking_mode', 'journal_mode']
        const kept = mode === 'off' || mode === 'memory' ? 'delete' : mode
        assert.deepEqual(
          settings.map((setting) => pragma(connection, setting)),
          [3, 1, 1, 'normal', kept],
        )
      })

    test('[P27] inside a transaction it refuses, because SQLite would ignore the settings there', (t) => {
      const connection = driver!.open(join(scratch(t), 'a.db'), { readOnly: false })
      t.after(() => connection.close())
      connection.exec('BEGIN')
      assert.throws(() => makeDurable(connection), TypeError)
      assert.throws(() => settle(connection), TypeError)
    })

    test('[P6] an attached database is made durable by its name', (t) => {
      const folder = scratch(t)
      const connection = driver!.open(join(folder, 'a.db'), { readOnly: false })
      t.after(() => connection.close())
      connection.prepare('ATTACH ? AS "my users"').run([join(folder, 'b.db')])
      connection.exec('PRAGMA "my users".synchronous = NORMAL')
      makeDurable(connection, 'my users')
      assert.equal(pragma(connection, '"my users".synchronous'), 3)
      assert.notEqual(pragma(connection, 'main.synchronous'), 3)
    })

    test('[P5] settling is refused as busy while somebody else writes, and leaves no transaction behind', (t) => {
      const path = join(scratch(t), 'a.db')
      const [writer, connection] = [0, 1].map(() => driver!.open(path, { readOnly: false })) as [Connection, Connection]
      t.after(() => [writer, connection].forEach((one) => one.close()))
      writer.exec('CREATE TABLE t(a); BEGIN IMMEDIATE')
      makeDurable(connection)
      assert.throws(() => settle(connection), { code: 'SQLITE_BUSY' })
      assert.equal(connection.inTransaction, false)
    })
  })

for (const mode of modes) {
  const skip = !hasStrace && 'needs Linux with strace'
  test(
    `[P5] settling writes and syncs in journal mode ${mode}, and changes nothing that a user sees`,
    { skip },
    (t) => {
      const path = join(scratch(t), 'a.db')
      const trace = `${path}.trace`
      const script = `
      import { writeSync } from 'node:fs'
      import { lockDriver } from '#moult/drivers/choose-driver.js'
      import { makeDurable, settle } from '#moult/drivers/durable.js'
      const connection = lockDriver().open(${JSON.stringify(path)}, { readOnly: false })
      connection.prepare('PRAGMA journal_mode = ${mode}').all([])
      connection.exec('CREATE TABLE t(a); INSERT INTO t VALUES (1); PRAGMA user_version = 7')
      makeDurable(connection)
      writeSync(1, 'before\\n')
      settle(connection)
      writeSync(1, 'after\\n')
      const { user_version } = connection.prepare('PRAGMA user_version').get([])
      const { a } = connection.prepare('SELECT a FROM t').get([])
      console.log(JSON.stringify([user_version, a]))
      connection.close()`
      const strace = ['-f', '-e', 'trace=openat,pwrite64,write,fsync,fdatasync,unlink,ftruncate', '-o', trace]
      const out = execFileSync('strace', [...strace, process.execPath, '--input-type=module', '-e', script], {
        encoding: 'utf8',
      })
      assert.deepEqual(JSON.parse(out.split('\n').at(-2)!), [7, 1])
      const lines = readFileSync(trace, 'utf8').split('\n')
      const isMark = (word: string) => (line: string) => line.includes(`write(1, "${word}`)
      const calls = lines.slice(lines.findIndex(isMark('before')) + 1, lines.findIndex(isMark('after')))
      const last = calls.findLastIndex((line) => /pwrite64|unlink|ftruncate/.test(line))
      assert.ok(
        calls.some((line) => /pwrite64/.test(line)),
        'it writes',
      )
      assert.ok(
        calls.slice(last + 1).some((line) => /f(data)?sync\(/.test(line)),
        'and syncs after the last write',
      )
    },
  )
}
