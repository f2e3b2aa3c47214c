import { defineState, sqlite } from 'moult'
import type { SqliteStore } from 'moult'
import { sqlSteps } from './sql-steps.js'
import { tellSample } from './tell-sample.js'

const [root, count] = process.argv.slice(2)
const steps = sqlSteps(Number(count))
let store = sqlite('index', { path: 'index.db' }) as unknown as SqliteStore<'index', string, number>
for (const { name, sql } of steps) store = store.step(name, { up: sql })
const state = defineState({ app: 'bench', root: root!, stores: [store] })

await tellSample(async () => {
  const report = await state.upgrade()
  if (report.steps.length !== steps.length) throw new Error(`${report.steps.length} steps were reported`)
})
