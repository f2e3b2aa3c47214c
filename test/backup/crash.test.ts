import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { isMoultError } from 'moult'
import { failAt } from '../disk/fault-disk.js'
import type { Fault } from '../disk/fault-disk.js'
import { temporaryFolder } from '../support/footprint.js'
import { openDatabase } from '../support/sqlite.js'
import { contentOf } from './content.js'
import { oldState, stateIn } from './small-state.js'

const kills = Number(process.env['MOULT_KILLS'] ?? 100)
// A restore has hundreds of operations, and after each of those tried here two more are made
const every = 3 * Number(process.env['MOULT_CRASH_EVERY'] ?? 3)

interface Ready {
  /** Nobody changes this one. */
  readonly root: string
  readonly id: string
  readonly before: unknown
  readonly upgraded: unknown
}

async function ready(t: TestContext, rows = 40): Promise<Ready> {
  const { root, state } = oldState(t, rows)
  const db = openDatabase(join(root, 'log.db'))
  db.exec('PRAGMA journal_mode = WAL')
  db.close()
  const before = contentOf(root)
  const { id } = await state.backups.create()
  await state.upgrade({ backup: 'none' })
  return { root, id, before, upgraded: contentOf(root) }
}

function copyOf(t: TestContext, root: string, n: number): string {
  const copy = join(temporaryFolder(t), `copy-${n}`)
  fs.cpSync(root, copy, { recursive: true, preserveTimestamps: true })
  return copy
}

/** What the next start does first, and nothing else: it finishes or undoes what was left. */
async function settle(root: string): Promise<void> {
  await stateIn(root).backups.prune({ keep: 100 })
  assert.ok(!fs.existsSync(join(root, '.moult/run')))
}

async function checkAfter(root: string, { id, before, upgraded }: Ready, what: string): Promise<'old' | 'new'> {
  await settle(root)
  const found = contentOf(root)
  const isNew = JSON.stringify(found) === JSON.stringify(before)
  assert.deepEqual(found, isNew ? before : upgraded, what)
  assert.deepEqual(await stateIn(root).backups.verify(), [], what)
  // A marker that the backup does not have is not taken for lost
  assert.deepEqual((await stateIn(root).plan()).refusals, [], what)
  await stateIn(root).backups.restore(id)
  assert.deepEqual(contentOf(root), before, what)
  return isNew ? 'new' : 'old'
}

function restoreInChild(
  root: string,
  id: string,
  killAfterMs?: number,
): Promise<{ signal: string | null; ms: number }> {
  const script = fileURLToPath(new URL('./restore-child.js', import.meta.url))
  const args = [script, root, id, ...(killAfterMs === undefined ? [] : [String(killAfterMs)])]
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    let stdout = ''
    child.stdout.on('data', (data: Buffer) => (stdout += data.toString()))
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (signal === null && code !== 0) reject(new Error(`it ended with ${code}`))
      else resolve({ signal, ms: stdout === '' ? 0 : (JSON.parse(stdout) as { ms: number }).ms })
    })
  })
}

test(`[A13] [G1] ${kills} SIGKILLs of a restore, and after each the next start finds all old or all new`, async (t) => {
  const made = await ready(t, 400)
  const whole = copyOf(t, made.root, -1)
  const { ms } = await restoreInChild(whole, made.id)
  assert.deepEqual(contentOf(whole), made.before)
  const seen = { old: 0, new: 0 }
  for (let n = 0; n < kills; n++) {
    const root = copyOf(t, made.root, n)
    // Every other one towards the end, where the commit is
    const part = (n + Math.random()) / kills
    const killAfterMs = (n % 2 === 0 ? part * 1.05 : 0.75 + part * 0.35) * ms
    await restoreInChild(root, made.id, killAfterMs)
    seen[await checkAfter(root, made, `killed after ${killAfterMs} ms`)]++
    fs.rmSync(root, { recursive: true })
  }
  t.diagnostic(JSON.stringify(seen))
  if (kills >= 100) assert.ok(seen.old > 0 && seen.new > 0, JSON.stringify(seen))
})

/** Every n-th operation; the last ones, which end the run and let go of the lock, are a dead process's no more. */
async function eachFault(
  t: TestContext,
  made: Ready,
  fault: (at: number) => Fault,
  check: (root: string, what: string, error: unknown) => Promise<void>,
): Promise<number> {
  let tried = 0
  for (let at = 0; ; at += 1 + Math.floor(Math.random() * (2 * every - 1))) {
    const root = copyOf(t, made.root, at)
    const disk = failAt(fault(at))
    let error: unknown = null
    await stateIn(root)
      .backups.restore(made.id)
      .catch((thrown: unknown) => (error = thrown))
    disk.heal()
    if (!disk.hit() || /^unlink .*owner\.json$/.test(disk.what())) return tried
    await check(root, `${at}: ${disk.what()}`, error)
    tried++
    fs.rmSync(root, { recursive: true })
  }
}

test('[A13] [G1] a restore that dies before each of its disk operations leaves all old or all new', async (t) => {
  const made = await ready(t)
  const seen = { old: 0, new: 0 }
  const tried = await eachFault(
    t,
    made,
    (at) => ({ kind: 'crash', at }),
    async (root, what) => void seen[await checkAfter(root, made, what)]++,
  )
  assert.ok(tried > 200 / every && seen.old > 0 && seen.new > 0, JSON.stringify({ tried, ...seen }))
})

for (const [code, forEver] of [
  ['ENOSPC', true],
  ['EIO', false],
] as const)
  test(`[A13] [A17] ${code} at each operation of a restore that it can strike is refused with all old, or it is finished later`, async (t) => {
    const made = await ready(t)
    await eachFault(
      t,
      made,
      (at) => ({ kind: 'error', code, at, forEver }),
      async (root, what, error) => {
        if (error !== null) {
          assert.ok(isMoultError(error), what)
          if (error.code !== 'UNFINISHED' && !fs.existsSync(join(root, '.moult/run')))
            assert.deepEqual(contentOf(root), made.upgraded, `${what}: ${error.message}`)
        }
        await checkAfter(root, made, what)
      },
    )
  })
