import assert from 'node:assert/strict'
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { examples } from '../../examples/index.js'
import { temporaryFolder } from '../support/footprint.js'
import { upgradeInChild } from './child.js'
import { difference, snapshot } from './snapshot.js'

const kills = Number(process.env['MOULT_KILLS'] ?? 100)

describe('a process killed at a random moment of its upgrade', { concurrency: 2 }, () => {
  for (const example of examples) {
    it(`[G1] [G5] ${example.name}: ${kills} SIGKILLs, and after each the next upgrade ends as an undisturbed one does`, async (t) => {
      const folder = temporaryFolder(t)
      const old = join(folder, 'old')
      mkdirSync(old)
      example.makeOldState(old)
      const undisturbed = join(folder, 'undisturbed')
      cpSync(old, undisturbed, { recursive: true, preserveTimestamps: true })
      const whole = await upgradeInChild(example.name, undisturbed)
      assert.ok(whole.report !== null, whole.stderr)
      const { ms } = whole.report
      const expected = snapshot(undisturbed)

      const outcomes = { 'nothing left': 0, back: 0, forward: 0, 'after the end': 0 }
      for (let n = 0; n < kills; n++) {
        const root = join(folder, `killed-${n}`)
        cpSync(old, root, { recursive: true, preserveTimestamps: true })
        // Spread evenly over the time that an upgrade takes, with a jitter that no two rounds share
        const killAfterMs = ((n + Math.random()) / kills) * ms * 1.05
        const killed = await upgradeInChild(example.name, root, { killAfterMs })
        const wasUnfinished = existsSync(join(root, '.moult/run'))
        const next = await upgradeInChild(example.name, root)
        assert.equal(next.code, 0, `killed after ${killAfterMs} ms: ${next.stderr}`)
        assert.deepEqual(difference(snapshot(root), expected), [], `killed after ${killAfterMs} ms`)
        assert.equal(existsSync(join(root, '.moult/run')), false)
        assert.equal(next.report?.recovered !== null, wasUnfinished)
        const outcome = killed.signal === null ? 'after the end' : (next.report?.recovered ?? 'nothing left')
        outcomes[outcome as keyof typeof outcomes]++
        rmSync(root, { recursive: true, force: true })
      }
      t.diagnostic(JSON.stringify(outcomes))
      if (kills >= 100) assert.ok(outcomes.back > 0, 'some kills must have hit the run')
    })
  }
})
