import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { temporaryFolder } from '../support/footprint.js'
import { dataOf, loseMarkers, makeOldRoot, makeState, markersOf } from './edited-state.js'

/** Every how many operations a process is killed: 1 is the long form. */
// As engine/crash.test.ts, at fewer places: what is crashed here shares its code
const every = 7 * Number(process.env['MOULT_CRASH_EVERY'] ?? 2)
const script = fileURLToPath(new URL('./marker-child.js', import.meta.url))

interface Ending {
  readonly signal: string | null
  readonly operations?: number
  readonly outcome?: string
}

function callKilledAt(root: string, operation: number, call: string): Promise<Ending> {
  return new Promise((resolve) => {
    execFile(process.execPath, [script, root, String(operation), call], (error, stdout) => {
      resolve({ signal: error?.signal ?? null, ...(stdout === '' ? {} : (JSON.parse(stdout) as object)) })
    })
  })
}

const calls = [
  { call: 'accept', more: false, result: 'accepted' },
  { call: 'stamp', more: true, result: 'stamped' },
] as const

describe(`a process that changes markers, killed before ${every === 1 ? 'each' : `one in ${every}`} of its disk operations`, () => {
  for (const { call, more, result } of calls) {
    it(`[G1] [A5] ${call}: the next one ends as an undisturbed one does, and no data has changed`, async (t) => {
      const folder = temporaryFolder(t)
      const old = join(folder, 'old')
      makeOldRoot(old)
      await makeState('shipped', { more }).in(old).upgrade()
      if (call === 'stamp') loseMarkers(old)
      const data = dataOf(old)
      const undisturbed = join(folder, 'undisturbed')
      cpSync(old, undisturbed, { recursive: true, preserveTimestamps: true })
      const whole = await callKilledAt(undisturbed, 0, call)
      assert.equal(whole.outcome, call === 'accept' ? 'upgraded' : 'stamped')
      const expected = markersOf(undisturbed)
      const total = whole.operations ?? 0
      assert.ok(total > 60, `${total} operations`)

      let written = 0
      let kills = 0
      const killAt = async (operation: number): Promise<void> => {
        const root = join(folder, `killed-${operation}`)
        cpSync(old, root, { recursive: true, preserveTimestamps: true })
        const killed = await callKilledAt(root, operation, call)
        // What was written within three seconds is looked at twice (protocol 3), so a run may end before its operation
        if (killed.signal === 'SIGKILL') kills++
        const next = await callKilledAt(root, 0, call)
        assert.ok(
          ['upgraded', 'stamped', 'up-to-date'].includes(next.outcome ?? ''),
          `operation ${operation}: ${next.outcome}`,
        )
        assert.deepEqual(markersOf(root), expected, `operation ${operation}`)
        assert.deepEqual(dataOf(root), data, `operation ${operation}`)
        const state = makeState(call === 'accept' ? 'edited' : 'shipped', { more }).in(root)
        assert.ok((await state.status()).stores.every(({ status }) => status === 'current'))
        const lines = (await state.history()).filter((line) => line.result === result)
        const names = lines.map(({ store, track, step }) => `${store}/${track}/${step}`)
        assert.deepEqual(names, [...new Set(names)], `operation ${operation}: no line stands twice`)
        // [A1] A stamp that a crash cut off is in the history all the same: the markers have it
        if (call === 'stamp') assert.equal(names.length, expected.length, `operation ${operation}`)
        written += names.length
        rmSync(root, { recursive: true, force: true })
      }
      const operations = Array.from({ length: Math.floor(total / every) }, (_, n) => (n + 1) * every)
      const left = operations.values()
      const killAll = async (): Promise<void> => {
        for (const operation of left) await killAt(operation)
      }
      await Promise.all([killAll(), killAll()])
      assert.ok(written > 0 && kills > operations.length / 2, `${kills} kills`)
      t.diagnostic(`${operations.length} of ${total} operations`)
    })
  }
})
