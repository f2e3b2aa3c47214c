import assert from 'node:assert/strict'
import { cpSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { examples } from '../../examples/index.js'
import { temporaryFolder } from '../support/footprint.js'
import { upgradeInChild } from './child.js'
import { difference, snapshot } from './snapshot.js'

const rounds = Number(process.env['MOULT_ROUNDS'] ?? 20)

describe('eight processes that start at once', () => {
  for (const example of examples) {
    it(`[G5] [R10] [K6] ${example.name}: ${rounds} rounds, every step takes effect once and all eight succeed`, async (t) => {
      const folder = temporaryFolder(t)
      const old = join(folder, 'old')
      mkdirSync(old)
      example.makeOldState(old)
      const alone = join(folder, 'alone')
      cpSync(old, alone, { recursive: true, preserveTimestamps: true })
      const first = await upgradeInChild(example.name, alone)
      assert.equal(first.code, 0, first.stderr)
      const expected = snapshot(alone)

      for (let round = 0; round < rounds; round++) {
        const root = join(folder, `round-${round}`)
        cpSync(old, root, { recursive: true, preserveTimestamps: true })
        const startAt = Date.now() + 800
        const results = await Promise.all(
          Array.from({ length: 8 }, () => upgradeInChild(example.name, root, { startAt })),
        )
        for (const { code, stderr } of results) assert.equal(code, 0, stderr)
        assert.deepEqual(results.map(({ report }) => report?.outcome).toSorted(), [
          'up-to-date',
          'up-to-date',
          'up-to-date',
          'up-to-date',
          'up-to-date',
          'up-to-date',
          'up-to-date',
          'upgraded',
        ])
        assert.deepEqual(difference(snapshot(root), expected), [])
        const history = readFileSync(join(root, '.moult/history.jsonl'), 'utf8')
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as { store: string; step: string })
        const names = history.map(({ store, step }) => `${store}/${step}`)
        assert.equal(new Set(names).size, names.length, 'no step twice')
        rmSync(root, { recursive: true, force: true })
      }
    })
  }
})
