import { examples } from '../../examples/index.js'

// One process that upgrades one example's state: `upgrade-child.js NAME ROOT [at MILLISECONDS]`
const [name, root, startAt] = process.argv.slice(2)
const example = examples.find((each) => each.name === name)
if (!example || root === undefined) throw new Error(`no example '${name}'`)
const wait = Number(startAt ?? 0) - Date.now()
if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
process.stdout.write('ready\n')
const report = await example.state.in(root).upgrade({ waitMs: 60_000 })
process.stdout.write(
  `${JSON.stringify({ outcome: report.outcome, steps: report.steps.map((step) => `${step.store}/${step.step}`), recovered: report.recovered })}\n`,
)
