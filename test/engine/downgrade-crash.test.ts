import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { isMoultError } from 'moult'
import { failAt } from '../disk/fault-disk.js'
import type { Fault } from '../disk/fault-disk.js'
import { makeRoot } from '../disk/tree.js'
import { difference, snapshot } from '../examples/snapshot.js'
import { makeOldState, makeState, oldest } from './crash-state.js'

/** Every how many operations a process is killed: 1 is the long form. */
// As engine/crash.test.ts, at fewer places: what is crashed here shares its code
const every = 7 * Number(process.env['MOULT_CRASH_EVERY'] ?? 2)
const script = fileURLToPath(new URL('./crash-child.js', import.meta.url))
const state = makeState(2)

interface Ending {
  readonly signal: string | null
  readonly operations?: number
  readonly outcome?: string
}

function downgradeKilledAt(root: string, operation: number): Promise<Ending> {
  return new Promise((resolve) => {
    execFile(process.execPath, [script, root, String(operation), '2', 'down'], (error, stdout) => {
      resolve({ signal: error?.signal ?? null, ...(stdout === '' ? {} : (JSON.parse(stdout) as object)) })
    })
  })
}

/** An upgraded state and, beside it, the same brought back undisturbed. */
async function upgradedAndBack(
  folder: string,
): Promise<{ readonly old: string; readonly back: string; readonly operations: number }> {
  const old = join(folder, 'upgraded')
  makeOldState(old)
  await state.in(old).upgrade()
  const back = join(folder, 'back')
  cpSync(old, back, { recursive: true, preserveTimestamps: true })
  const { outcome, operations = 0 } = await downgradeKilledAt(back, 0)
  assert.equal(outcome, 'downgraded')
  return { old, back, operations }
}

describe(`a downgrade killed before ${every === 1 ? 'each' : `one in ${every}`} of its disk operations`, () => {
  it('[G1] [A6] the next start finds the state wholly as before or wholly brought back, and can go either way', async (t) => {
    const folder = makeRoot(t)
    const { old, back, operations } = await upgradedAndBack(folder)
    assert.ok(operations > 100, `${operations} operations`)
    const [before, after] = [snapshot(old), snapshot(back)]
    const beforeAgain = snapshot(old, { commits: false })
    assert.notDeepEqual(difference(before, after), [])

    const seen = { killed: 0, before: 0, after: 0, unfinished: 0 }
    const killAt = async (operation: number): Promise<void> => {
      const root = join(folder, `killed-${operation}`)
      cpSync(old, root, { recursive: true, preserveTimestamps: true })
      const killed = await downgradeKilledAt(root, operation)
      // What was written within three seconds is looked at twice (protocol 3), so that later runs end earlier
      assert.ok(killed.signal === 'SIGKILL' || killed.outcome === 'downgraded', `operation ${operation}`)
      if (killed.signal !== null) seen.killed++
      if (existsSync(join(root, '.moult/run'))) seen.unfinished++
      // Nothing is planned, so this only finishes or undoes what was left
      await state.in(root).upgrade({ target: [] })
      const found = snapshot(root)
      const isBefore = difference(found, before).length === 0
      if (!isBefore) assert.deepEqual(difference(found, after), [], `operation ${operation}`)
      seen[isBefore ? 'before' : 'after']++
      if (operation % 2 === 0) {
        const { outcome } = await state.in(root).downgrade({ target: oldest })
        assert.equal(outcome, isBefore ? 'downgraded' : 'up-to-date')
        assert.deepEqual(difference(snapshot(root), after), [], `operation ${operation}, back`)
      } else {
        await state.in(root).upgrade()
        assert.deepEqual(
          difference(snapshot(root, { commits: false }), beforeAgain),
          [],
          `operation ${operation}, again`,
        )
      }
      rmSync(root, { recursive: true, force: true })
    }
    const next = Array.from({ length: Math.floor(operations / every) }, (_, n) => (n + 1) * every).values()
    const killAll = async (): Promise<void> => {
      for (const operation of next) await killAt(operation)
    }
    await Promise.all([killAll(), killAll()])
    t.diagnostic(`${operations} operations: ${JSON.stringify(seen)}`)
    assert.ok(
      seen.killed > 30 / every && seen.before > 0 && seen.after > 0 && seen.unfinished > 0,
      JSON.stringify(seen),
    )
  })
})

describe('a downgrade on a disk that fails', () => {
  it('[G3] [A6] whichever operation fails, everything is as it was, or the next start ends it', async (t) => {
    const folder = makeRoot(t)
    const { old, back } = await upgradedAndBack(folder)
    const [before, after] = [snapshot(old), snapshot(back)]
    const endings = new Set<string>()
    for (const kind of ['EIO', 'ENOSPC'] as const) {
      for (let at = 0; ; at += 3) {
        const root = join(folder, `${kind}-${at}`)
        cpSync(old, root, { recursive: true, preserveTimestamps: true })
        const ending = await downgradeFailing(root, { kind: 'error', code: kind, at, forEver: at % 2 === 0 })
        endings.add(ending)
        if (ending === 'untouched') break
        if (ending === 'put-back') assert.deepEqual(difference(snapshot(root), before), [], `${kind} at ${at}`)
        await state.in(root).downgrade({ target: oldest })
        assert.deepEqual(difference(snapshot(root), after), [], `${kind} at ${at}, ${ending}`)
        rmSync(root, { recursive: true, force: true })
      }
    }
    assert.ok(endings.has('put-back') && endings.has('untouched'), [...endings].join(', '))
  })
})

async function downgradeFailing(root: string, fault: Fault): Promise<string> {
  const disk = failAt(fault)
  try {
    const { outcome } = await state.in(root).downgrade({ target: oldest })
    return disk.hit() ? outcome : 'untouched'
  } catch (error) {
    assert.ok(isMoultError(error), String(error))
    return error.report?.outcome ?? error.code
  } finally {
    disk.heal()
  }
}
