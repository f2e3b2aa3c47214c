import assert from 'node:assert/strict'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { openDatabase } from '../support/sqlite.js'
import { CliProject, configOf } from './cli-project.js'

interface Document {
  readonly ok: boolean
  readonly outcome: string | null
  readonly dryRun: boolean
  readonly backup: string | null
  readonly backups: readonly { readonly id: string; readonly reason: string | null; readonly cause: string }[]
  readonly rehearsal: { readonly stores: readonly { readonly tables: Record<string, { readonly changed: number }> }[] }
  readonly error: { readonly code: string } | null
}

const adopted = `
  .step('create', { up: 'CREATE TABLE t(x)' })
  .step('double', { up: 'UPDATE t SET x = x * 2', down: 'UPDATE t SET x = x / 2' })
  .adopt({ at: 'create' })`

function projectWithRows(t: TestContext): CliProject {
  const project = new CliProject({ 'moult.config.mjs': configOf(adopted) })
  t.after(() => project.remove())
  const db = openDatabase(join(project.data, 'db.sqlite'))
  db.exec('CREATE TABLE t(x); INSERT INTO t VALUES (1), (2)')
  db.close()
  return project
}

function rowsOf(project: CliProject): unknown {
  const db = openDatabase(join(project.data, 'db.sqlite'))
  const rows = db.all('SELECT x FROM t').map(({ x }) => x)
  db.close()
  return rows
}

const json = async (project: CliProject, ...args: string[]): Promise<Document & { readonly code: number | null }> => {
  const { stdout, code } = await project.run([...args, '--json'])
  return { ...(JSON.parse(stdout) as Document), code }
}

test('[A9] [A3] backup, list, upgrade, restore and prune, from the command line', async (t) => {
  const project = projectWithRows(t)
  assert.match((await project.run(['list-backups'])).stdout, /^no backups\n$/)
  const made = await json(project, 'backup', '--reason', 'before the holidays')
  assert.deepEqual([made.code, made.backups[0]?.reason], [0, 'before the holidays'])
  const packed = await json(project, 'backup', '--compress')
  assert.ok(existsSync(join(project.data, '.moult/backups', packed.backup!, 'stores/db/db.sqlite.gz')))

  const upgraded = await json(project, 'upgrade')
  assert.deepEqual([upgraded.outcome, rowsOf(project)], ['upgraded', [2, 4]])
  const list = await json(project, 'list-backups')
  assert.deepEqual(
    list.backups.map(({ id, cause }) => [id, cause]),
    [
      [made.backup, 'command'],
      [packed.backup, 'command'],
      [upgraded.backup, 'run'],
    ],
  )
  assert.match((await project.run(['list-backups'])).stdout, /before the holidays\n/)

  const restored = await project.run(['restore', made.backup!])
  assert.equal(restored.code, 0, restored.stderr)
  assert.match(restored.stdout, /: restored from \S+\nwhat was there: \S+\n/)
  assert.match(restored.stdout, /backed up by 1\.0\.0\. A program with pending steps upgrades it again/)
  assert.deepEqual(rowsOf(project), [1, 2])

  assert.match((await project.run(['prune-backups', '--keep', '1'])).stdout, /^3 backups removed, /)
  assert.equal((await json(project, 'list-backups')).backups.length, 1)
})

test('[A9] [A13] a backup that has changed is named by verify --backups, refused by restore, and taken with --skip-verify', async (t) => {
  const project = projectWithRows(t)
  const { backup } = await json(project, 'backup')
  const stored = join(project.data, '.moult/backups', backup!, 'stores/db/db.sqlite')
  const changed = openDatabase(stored)
  changed.exec('PRAGMA user_version = 9')
  changed.close()
  assert.equal((await project.run(['verify'])).code, 0, 'only if asked to')
  const verified = await project.run(['verify', '--backups'])
  assert.equal(verified.code, 4)
  assert.match(verified.stdout, /problem BACKUP_BAD: .*db\.sqlite has other bytes/)
  assert.deepEqual([(await json(project, 'restore', backup!)).code, rowsOf(project)], [4, [1, 2]])
  assert.equal((await json(project, 'restore', backup!, '--skip-verify')).code, 0)
  const unknown = await json(project, 'restore', 'nothing')
  assert.deepEqual([unknown.code, unknown.error?.code], [2, 'BACKUP_UNKNOWN'])
})

test('[A9] [A3] --no-backup makes none, --force goes on where none can be made', async (t) => {
  const project = projectWithRows(t)
  assert.equal((await json(project, 'upgrade', '--no-backup')).backup, null)
  assert.ok(!readdirSync(join(project.data, '.moult')).includes('backups'))

  const blocked = projectWithRows(t)
  await json(blocked, 'upgrade', '--target', 'db@1', '--no-backup')
  writeFileSync(join(blocked.data, '.moult/backups'), 'in the way')
  const refused = await json(blocked, 'upgrade')
  assert.deepEqual([refused.code, refused.error?.code, rowsOf(blocked)], [4, 'BACKUP_FAILED', [1, 2]])
  const { code, stderr } = await blocked.run(['upgrade', '--force'])
  assert.equal(code, 0, stderr)
  assert.match(stderr, /warning BACKUP_FAILED: There is no backup of this run/)
  assert.deepEqual(rowsOf(blocked), [2, 4])
})

test('[A9] [R8] --dry-run shows what would change, changes nothing, and ends as the run would', async (t) => {
  const project = projectWithRows(t)
  const { stdout, code } = await project.run(['upgrade', '--dry-run'])
  assert.equal(code, 0)
  assert.match(stdout, /: dry run: upgraded\n/)
  assert.match(stdout, /what would change:\ndb +t +2 rows changed\n/)
  assert.match(stdout, /nothing was changed; the copy took \d/)
  assert.deepEqual(rowsOf(project), [1, 2])
  const scratch = join(project.path, 'scratch')
  project.write('scratch/keep', '')
  const document = await json(project, 'upgrade', '--dry-run', '--scratch', scratch)
  assert.deepEqual([document.dryRun, document.rehearsal.stores[0]?.tables['t']?.changed], [true, 2])
  assert.deepEqual(readdirSync(scratch), ['keep'])
  await json(project, 'upgrade')
  assert.match((await project.run(['downgrade', '--target', 'db@1', '--dry-run'])).stdout, /: dry run: downgraded\n/)
  assert.deepEqual(rowsOf(project), [2, 4])
})
