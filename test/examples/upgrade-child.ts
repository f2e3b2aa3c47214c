import type { Example } from '../../examples/index.js'
import { killAfter } from '../support/kill-after.js'

// One process that upgrades one example's state: `upgrade-child.js NAME ROOT [at MILLISECONDS] [kill after MILLISECONDS]`
const [name, root, startAt, killAfterMs] = process.argv.slice(2)
if (name === undefined || root === undefined) throw new Error('which example, and where?')
const { state } = (await import(`../../examples/${name}/index.js`)) as Pick<Example, 'state'>
const wait = Number(startAt ?? 0) - Date.now()
if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))

const killer = await killAfter(killAfterMs === undefined ? null : Number(killAfterMs))
killer.start()
const startedAt = performance.now()
const report = await state.in(root).upgrade({ waitMs: 60_000 })
const ms = performance.now() - startedAt
const steps = report.steps.map((step) => `${step.store}/${step.step}`)
process.stdout.write(`${JSON.stringify({ outcome: report.outcome, steps, recovered: report.recovered, ms })}\n`)
