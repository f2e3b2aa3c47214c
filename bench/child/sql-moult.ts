import { join } from 'node:path'
import { defineState, sqlite, stepsFrom } from 'moult'
import { sqlSteps } from './sql-steps.js'
import { tellSample } from './tell-sample.js'

const [root, count, rows] = process.argv.slice(2)
const steps = sqlSteps(Number(count), Number(rows))
const store = sqlite('index', { path: 'index.db' }).steps(
  stepsFrom(Object.fromEntries(steps.map(({ name, sql }) => [`${name}.sql`, sql]))),
)
const state = defineState({ app: 'bench', root: root!, stores: [store] })

// Another state first: what is measured is the steps, not how long a run's modules and the library take to load.
const other = sqlite('other', { path: 'other.db' }).step('create', { up: 'CREATE TABLE t(x)' })
await defineState({ app: 'bench', root: join(root!, 'other'), stores: [other] }).upgrade()

await tellSample(async () => {
  const report = await state.upgrade({ backup: 'none' })
  if (report.steps.length !== steps.length) throw new Error(`${report.steps.length} steps were reported`)
})
