import type { Example } from '../../examples/index.js'

// One process that upgrades one example's state: `upgrade-child.js NAME ROOT [at MILLISECONDS]`
const [name, root, startAt] = process.argv.slice(2)
if (name === undefined || root === undefined) throw new Error('which example, and where?')
const { state } = (await import(`../../examples/${name}/index.js`)) as Pick<Example, 'state'>
const wait = Number(startAt ?? 0) - Date.now()
if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
process.stdout.write('ready\n')
const report = await state.in(root).upgrade({ waitMs: 60_000 })
process.stdout.write(
  `${JSON.stringify({ outcome: report.outcome, steps: report.steps.map((step) => `${step.store}/${step.step}`), recovered: report.recovered })}\n`,
)
