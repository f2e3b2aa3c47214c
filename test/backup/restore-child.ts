import { killAfter } from '../support/kill-after.js'
import { stateIn } from './small-state.js'

// One process that restores a backup: `restore-child.js ROOT ID [kill after MILLISECONDS]`
const [root, id, killAfterMs] = process.argv.slice(2)
if (root === undefined || id === undefined) throw new Error('which backup, and where?')
const state = stateIn(root)
const killer = await killAfter(killAfterMs === undefined ? null : Number(killAfterMs))
killer.start()
const startedAt = performance.now()
const { outcome } = await state.backups.restore(id)
process.stdout.write(`${JSON.stringify({ outcome, ms: performance.now() - startedAt })}\n`)
