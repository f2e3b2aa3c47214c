import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { isMoultError } from 'moult'
import { difference, snapshot } from '../examples/snapshot.js'
import { makeRoot } from '../disk/tree.js'
import { makeOldState, makeState } from './crash-state.js'

/** Every how many operations a process is killed: 1 is the long form. Without a factor 3, so that both programs come to all. */
const every = Number(process.env['MOULT_CRASH_EVERY'] ?? 5)
const script = fileURLToPath(new URL('./crash-child.js', import.meta.url))

interface Ending {
  readonly signal: string | null
  readonly operations?: number
  readonly outcome?: string
  readonly recovered?: string | null
}

function upgradeKilledAt(root: string, operation: number, version = 2): Promise<Ending> {
  return new Promise((resolve) => {
    execFile(process.execPath, [script, root, String(operation), String(version)], (error, stdout) => {
      resolve({ signal: error?.signal ?? null, ...(stdout === '' ? {} : (JSON.parse(stdout) as object)) })
    })
  })
}

describe(`a process killed before ${every === 1 ? 'each' : `one in ${every}`} of its disk operations`, () => {
  it('[G1] [P4] [P5] the next start ends exactly where an undisturbed run does, whoever makes it', async (t) => {
    const folder = makeRoot(t)
    const old = join(folder, 'old')
    makeOldState(old)
    const undisturbed = join(folder, 'undisturbed')
    cpSync(old, undisturbed, { recursive: true, preserveTimestamps: true })
    const whole = await upgradeKilledAt(undisturbed, 0)
    assert.equal(whole.outcome, 'upgraded')
    const expected = snapshot(undisturbed)
    const total = whole.operations ?? 0
    assert.ok(total > 100, `${total} operations`)

    const seen = { back: 0, forward: 0, none: 0 }
    const killAt = async (operation: number): Promise<void> => {
      const root = join(folder, `killed-${operation}`)
      cpSync(old, root, { recursive: true, preserveTimestamps: true })
      const killed = await upgradeKilledAt(root, operation)
      // What was written within three seconds is looked at twice (protocol 3), so two runs may differ by a few operations
      assert.ok(killed.signal === 'SIGKILL' || operation > total - 8, `operation ${operation}`)
      const wasUnfinished = existsSync(join(root, '.moult/run'))

      // [P18] Every third time an older program comes first: it finishes or undoes what it finds, without the step's code
      if (operation % 3 === 0) {
        const older = await makeState(1)
          .in(root)
          .upgrade()
          .catch((error: unknown) => error)
        if (older instanceof Error) assert.ok(isMoultError(older, 'STORE_NEWER'), older.message)
        assert.equal(existsSync(join(root, '.moult/run')), false)
      }
      const next = await makeState(2).in(root).upgrade()
      if (operation % 3 !== 0) {
        assert.equal(next.recovered !== null, wasUnfinished, `operation ${operation}`)
        seen[next.recovered ?? 'none']++
      }
      const wanted = operation % 3 === 0 ? withoutVersions(expected) : expected
      const found = operation % 3 === 0 ? withoutVersions(snapshot(root)) : snapshot(root)
      assert.deepEqual(difference(found, wanted), [], `operation ${operation}`)
      rmSync(root, { recursive: true, force: true })
    }
    const operations = Array.from({ length: Math.floor(total / every) }, (_, n) => (n + 1) * every)
    const next = operations.values()
    const killAll = async (): Promise<void> => {
      for (const operation of next) await killAt(operation)
    }
    await Promise.all([killAll(), killAll()])
    t.diagnostic(`${operations.length} of ${total} operations: ${JSON.stringify(seen)}`)
    assert.ok(seen.back > 0 && seen.forward > 0 && seen.none > 0, JSON.stringify(seen))
  })

  it('[G1] killed once more while it recovers', async (t) => {
    const folder = makeRoot(t)
    const old = join(folder, 'old')
    makeOldState(old)
    const undisturbed = join(folder, 'undisturbed')
    cpSync(old, undisturbed, { recursive: true, preserveTimestamps: true })
    const total = (await upgradeKilledAt(undisturbed, 0)).operations ?? 0
    const expected = snapshot(undisturbed)
    for (let round = 0; round < 30; round++) {
      const root = join(folder, `killed-${round}`)
      cpSync(old, root, { recursive: true, preserveTimestamps: true })
      // Late in the first run, where there is most to recover, then anywhere in the second
      const first = Math.floor(total * (0.5 + (0.5 * round) / 30))
      await upgradeKilledAt(root, first)
      const second = 1 + ((round * 37) % Math.floor(total * 0.6))
      await upgradeKilledAt(root, second)
      await makeState(2).in(root).upgrade()
      assert.deepEqual(difference(snapshot(root), expected), [], `killed at ${first}, then at ${second}`)
      rmSync(root, { recursive: true, force: true })
    }
  })
})

/** An older program that got through wrote its own version into markers. */
function withoutVersions(content: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(content).map(([path, text]) => [
      path,
      path.endsWith('log.db') ? 'database' : text.replaceAll(/"appVersion":"\d\.0\.0"/g, '"appVersion":""'),
    ]),
  )
}
