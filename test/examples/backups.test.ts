import assert from 'node:assert/strict'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { examples } from '../../examples/index.js'
import { openDatabase } from '../support/sqlite.js'
import { oldRoots } from './old-roots.js'
import { difference, snapshot } from './snapshot.js'

describe('backups of the five systems', () => {
  for (const example of examples) {
    const roots = oldRoots(example)

    it(`[A3] [A12] [A13] [A15] ${example.name}: upgrade, back from its own backup, forward again, and all of it undone`, async (t) => {
      const root = roots.copy(t)
      const state = example.state.in(root)
      const old = snapshot(root)
      const report = await state.upgrade()
      const upgraded = snapshot(root)
      assert.ok(report.backup)
      assert.deepEqual(await state.backups.verify(), [])

      const restored = await state.backups.restore(report.backup)
      assert.equal(restored.outcome, 'restored')
      assert.deepEqual(difference(snapshot(root), old).filter(isData), [])
      assert.ok(restored.backup)
      await state.backups.restore(restored.backup)
      assert.deepEqual(difference(snapshot(root), upgraded).filter(isData), [], 'the restore undone')
      // Documents that were left are other files now, and are tried once more
      assert.deepEqual(
        (await state.plan()).steps.filter(({ step }) => step !== 'left documents'),
        [],
      )

      await state.backups.restore(report.backup)
      assert.equal((await state.upgrade()).outcome, 'upgraded')
      assert.deepEqual(example.readContent(root), example.expectedContent(roots.old))
      assert.deepEqual(await state.backups.verify(), [])
    })

    it(`[A12] [A16] ${example.name}: its databases can be opened in the backup, with every row, its files are plain files`, async (t) => {
      const root = roots.copy(t)
      const state = example.state.in(root)
      const { id } = await state.backups.create({ reason: 'before I try something', metadata: { ticket: 7 } })
      const [info] = await state.backups.list()
      assert.deepEqual(info?.metadata, { ticket: 7 })
      const folder = join(root, '.moult/backups', id)
      const manifest = JSON.parse(fs.readFileSync(join(folder, 'manifest.json'), 'utf8')) as Manifest
      const source = snapshot(root)
      let files = 0
      for (const store of manifest.stores) {
        for (const file of store.files) {
          files += 1
          const copy = join(folder, 'stores', store.name, file.path)
          assert.equal(fs.statSync(join(root, file.path)).mode & 0o7777, file.mode, file.path)
          if (store.database === null) continue
          const [db, live] = [openDatabase(copy), openDatabase(join(root, store.path))]
          assert.deepEqual(db.all('PRAGMA integrity_check'), [{ integrity_check: 'ok' }])
          const tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE '%fts5%' ORDER BY name"
          for (const { name } of live.all(tables) as { name: string }[])
            assert.deepEqual(db.all(`SELECT * FROM "${name}"`), live.all(`SELECT * FROM "${name}"`), name)
          db.close()
          live.close()
        }
      }
      assert.ok(files >= manifest.stores.length - 1 && files > 0)
      assert.deepEqual(difference(snapshot(root), source), [])
    })
  }
})

/** What is made again from the data is in no backup and goes with it; the folder of a store that became empty stays. */
function isData(line: string): boolean {
  return !/\.embeddings\/|^tool-calls\/: /.test(line)
}

interface Manifest {
  readonly stores: readonly {
    readonly name: string
    readonly path: string
    readonly database: object | null
    readonly files: readonly { readonly path: string; readonly mode: number }[]
  }[]
}
